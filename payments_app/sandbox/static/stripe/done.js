// Tells the page around the 3-D Secure frame that the customer has answered, and nothing more.
window.parent.postMessage({ sandbox: "3ds-done" }, "*");
