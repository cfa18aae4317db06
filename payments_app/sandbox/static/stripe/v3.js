// Stands in for Stripe.js: the same calls, answered by the sandbox. No money moves.
(() => {
  "use strict";
  const base = new URL("../../", document.currentScript.src).href;
  const origin = new URL(base).origin;
  const KINDS = ["cardNumber", "cardExpiry", "cardCvc"];

  class Field {
    #group;
    #kind;
    #options;
    #frame = null;
    #handlers = new Map();
    #waiting = new Map();

    constructor(group, kind, options) {
      if (!KINDS.includes(kind)) throw new Error(`The sandbox has no element ${kind}.`);
      this.#group = group;
      this.#kind = kind;
      this.#options = options;
    }

    mount(target) {
      const parent = typeof target === "string" ? document.querySelector(target) : target;
      if (!parent) throw new Error("The element to mount on does not exist.");
      this.unmount();
      const told = { group: this.#group, page: location.origin, options: this.#options };
      this.#frame = document.createElement("iframe");
      this.#frame.src = `${base}js/v3/field/${this.#kind}#${encodeURIComponent(JSON.stringify(told))}`;
      this.#frame.title = { cardNumber: "Card number", cardExpiry: "Expiry date", cardCvc: "Security code" }[this.#kind];
      this.#frame.name = `stripe-sandbox-${this.#kind}`;
      Object.assign(this.#frame.style, {
        border: "0", display: "block", width: "100%", height: "1.2em", colorScheme: "only light",
      });
      window.addEventListener("message", this.#hear);
      parent.replaceChildren(this.#frame);
    }

    unmount() {
      window.removeEventListener("message", this.#hear);
      this.#frame?.remove();
      this.#frame = null;
    }

    destroy() {
      this.unmount();
      this.#handlers.clear();
    }

    on(event, handler) {
      this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
      return this;
    }

    off(event, handler) {
      const kept = (this.#handlers.get(event) ?? []).filter((each) => handler && each !== handler);
      this.#handlers.set(event, kept);
      return this;
    }

    update(options) {
      this.#options = { ...this.#options, ...options };
      this.#order("update", { options });
    }

    focus() {
      this.#frame?.focus();
      this.#order("focus");
    }

    blur() {
      this.#order("blur");
    }

    clear() {
      this.#order("clear");
    }

    confirm(clientSecret, key, billing) {
      if (!this.#frame) throw new Error("The card element is not mounted.");
      const request = `${Date.now()}-${Math.random()}`;
      return new Promise((resolve) => {
        this.#waiting.set(request, resolve);
        this.#order("confirm", { request, clientSecret, key, billing });
      });
    }

    #order(type, detail = {}) {
      this.#frame?.contentWindow?.postMessage({ sandbox: this.#group, type, ...detail }, origin);
    }

    #hear = ({ data, origin: from, source }) => {
      if (from !== origin || source !== this.#frame?.contentWindow) return;
      if (data?.sandbox !== this.#group) return;
      if (data.type === "height") this.#frame.style.height = `${data.height}px`;
      else if (data.type === "enter") this.#frame.closest("form")?.requestSubmit();
      else if (data.type === "result") {
        this.#waiting.get(data.request)?.(data.result);
        this.#waiting.delete(data.request);
      } else {
        const event = data.event ?? { elementType: this.#kind };
        for (const handler of this.#handlers.get(data.type) ?? []) handler(event);
      }
    };
  }

  class Elements {
    #group = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    #made = new Map();

    create(kind, options = {}) {
      const field = new Field(this.#group, kind, JSON.parse(JSON.stringify(options)));
      this.#made.set(kind, field);
      return field;
    }

    getElement(kind) {
      return this.#made.get(kind) ?? null;
    }
  }

  // Shows the bank's page until the customer has answered it.
  function authenticate(address) {
    const dialog = document.createElement("dialog");
    const frame = document.createElement("iframe");
    const before = document.activeElement;
    frame.src = address;
    frame.title = "3-D Secure authentication";
    frame.name = "stripe-sandbox-3ds";
    dialog.setAttribute("aria-label", frame.title);
    Object.assign(dialog.style, {
      margin: "auto",
      border: "0", padding: "0", borderRadius: "8px", overflow: "hidden", pointerEvents: "auto",
      width: "min(440px, 96vw)", height: "min(520px, 92vh)", zIndex: "2147483647",
    });
    Object.assign(frame.style, { border: "0", width: "100%", height: "100%", display: "block" });
    for (const type of ["pointerdown", "mousedown", "click", "focusin"]) {
      dialog.addEventListener(type, (event) => event.stopPropagation());
    }
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.append(frame);
    document.body.append(dialog);
    dialog.showModal();
    frame.focus();
    return new Promise((resolve) => {
      const hear = ({ data, origin: from, source }) => {
        if (from !== new URL(address).origin || source !== frame.contentWindow) return;
        if (data?.sandbox !== "3ds-done") return;
        window.removeEventListener("message", hear);
        dialog.close();
        dialog.remove();
        before?.focus?.();
        resolve();
      };
      window.addEventListener("message", hear);
    });
  }

  async function retrieve(key, clientSecret) {
    const [intent] = clientSecret.split("_secret_");
    const query = new URLSearchParams({ key, client_secret: clientSecret });
    try {
      const answer = await fetch(`${base}v1/payment_intents/${encodeURIComponent(intent)}?${query}`);
      const body = await answer.json();
      return body.error ? { error: body.error } : { paymentIntent: body };
    } catch {
      return { error: { type: "api_connection_error", message: "The card processor did not answer." } };
    }
  }

  async function afterAction(key, clientSecret, result) {
    const action = result.paymentIntent?.next_action;
    if (result.paymentIntent?.status !== "requires_action" || action?.type !== "use_stripe_sdk") {
      return result;
    }
    await authenticate(action.use_stripe_sdk.stripe_js);
    const after = await retrieve(key, clientSecret);
    const failed = after.paymentIntent?.last_payment_error;
    return failed ? { error: { ...failed, payment_intent: after.paymentIntent } } : after;
  }

  window.Stripe = (key) => {
    if (!key?.startsWith("pk_")) throw new Error("Stripe() needs a publishable key.");
    return {
      elements: () => new Elements(),
      retrievePaymentIntent: (clientSecret) => retrieve(key, clientSecret),
      confirmCardPayment: async (clientSecret, data = {}) => {
        const { card, billing_details: billing } = data.payment_method ?? {};
        if (!(card instanceof Field)) throw new Error("payment_method.card must be an element.");
        return afterAction(key, clientSecret, await card.confirm(clientSecret, key, billing));
      },
    };
  };
  window.Stripe.version = "sandbox";
})();
