"""The payment gateways as a local server that speaks their real protocols.

A provider's stand-in is called its twin. It is one file here (``card.py`` is Stripe's), and one
line in ``registry.py``. It holds a ``TWIN``::

    api = api_router()              # the provider's API; every fault knob works on these routes
    pages = APIRouter()             # what a browser opens: hosted payment pages, scripts

    TWIN = Twin(code="paypal", name="PayPal", prefix="/paypal", api=api, pages=pages,
                issued=issued, sign=sign, fault_body=fault_body)

Paths are the provider's own, below the prefix: ``/sandbox/paypal/v2/checkout/orders``. A route gets
``here: Here`` (who am I, where am I, ``here.transaction()``) and does its work in one transaction::

    @api.post("/v2/checkout/orders")
    async def create_order(request: Request, here: Here) -> Response:
        order = new_order(await request.json())             # raise Answer(422, {...}) to refuse
        async def work(tx: Transaction) -> Reply:
            await tx.put("order", order["id"], order)       # objects are JSON documents
            await webhooks.post(tx, new_id("WH-"), "CHECKOUT.ORDER.CREATED", event)
            return Reply(201, order)
        return (await once(here, key, fingerprint, work)).response()

- ``once`` replays the stored answer for a repeated idempotency key; without a key it does the work.
- Nothing else may wait inside a transaction; it holds the only lock. It is all or nothing.
- Where money moves, call ``faults.charged(tx, ...)`` exactly once and write what it returns: it
  applies the wrong-amount, wrong-currency and unknown-status knobs and books the ledger. A refund
  or a chargeback is booked with ``tx.book(...)``.
- ``sign`` turns an event into bytes and headers, afresh at each delivery, and names the signature
  in them so that the forge knob can spoil it. Time-outs, 500, 429, resets, duplicates, delays and
  the rest need no code in a twin.
- A hosted payment page is ``hosted_page(...)`` of ``pages.py``: its buttons post to the twin's own
  ``pages`` routes, which answer with ``back_to(url)``.
- ``issued`` names the settings that the provider would give a merchant. Keys contain "sandbox".
"""
