"""One file per gateway, each a stateless translator of its provider's protocol."""
