// The card fields of Stripe.js as one React component. What is typed stays in the frames of the
// card processor; this file sees only whether a field is complete and what is wrong with it.
import { createElement as h, useEffect, useRef, useState } from "react";

const KINDS = ["cardNumber", "cardExpiry", "cardCvc"];
const LOOK = { fontSize: "14px", lineHeight: "20px", fontFamily: "system-ui, sans-serif" };
const scripts = new Map();

function loadScript(url) {
  if (!scripts.has(url)) {
    scripts.set(
      url,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = () => resolve(window.Stripe);
        script.onerror = () => {
          scripts.delete(url);
          script.remove();
          reject(new Error(`${url} does not load`));
        };
        document.head.append(script);
      }),
    );
  }
  return scripts.get(url);
}

// A frame of another site knows no design tokens, and not every notation of a colour.
function plainColour(token, host) {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  brush.fillStyle = getComputedStyle(host).getPropertyValue(token);
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function styleOf(host) {
  const placeholder = { color: plainColour("--gray-10", host) };
  return {
    base: { ...LOOK, color: plainColour("--gray-12", host), "::placeholder": placeholder },
    invalid: { color: plainColour("--red-11", host) },
  };
}

function Field({ kind, text, fault, focused, disabled, onLabel, hold }) {
  const edge = fault ? "var(--red-8)" : "var(--gray-a7)";
  const box = {
    padding: "5px 10px",
    minHeight: "32px",
    boxSizing: "border-box",
    borderRadius: "max(var(--radius-2), var(--radius-full))",
    background: disabled ? "var(--gray-a3)" : "var(--color-surface)",
    boxShadow: `inset 0 0 0 1px ${edge}`,
    outline: focused ? "2px solid var(--focus-8)" : "none",
    outlineOffset: "-1px",
  };
  const small = { fontSize: "var(--font-size-1)", lineHeight: "16px" };
  return h(
    "div",
    { style: { gridColumn: kind === "cardNumber" ? "1 / -1" : "auto", minWidth: 0 } },
    h(
      "div",
      {
        onClick: onLabel,
        style: { ...small, fontWeight: 500, color: "var(--gray-11)", marginBottom: "4px" },
      },
      text.label,
      h("span", { "aria-hidden": true, style: { color: "var(--red-11)" } }, " *"),
    ),
    h("div", { ref: hold, style: box }),
    h(
      "div",
      { role: fault ? "alert" : undefined, style: { ...small, color: "var(--red-11)" } },
      fault && h("div", { style: { paddingTop: "4px" } }, fault),
    ),
  );
}

export function CardFields(props) {
  const { jsUrl, publishableKey, clientSecret, locale, texts, appearance, disabled, missing } = props;
  const boxes = useRef({});
  const stripe = useRef(null);
  const fields = useRef({});
  const confirmed = useRef("");
  const calls = useRef(props);
  const [seen, setSeen] = useState({});
  const [focused, setFocused] = useState("");
  const [broken, setBroken] = useState(false);
  const [tries, setTries] = useState(0);
  const [ready, setReady] = useState(false);
  calls.current = props;

  useEffect(() => {
    let gone = false;
    async function mount() {
      const Stripe = await loadScript(jsUrl);
      if (gone) return;
      stripe.current = Stripe(publishableKey, { locale });
      const elements = stripe.current.elements();
      const style = styleOf(boxes.current.cardNumber);
      let mounted = 0;
      for (const kind of KINDS) {
        const field = elements.create(kind, { style });
        field.on("ready", () => (mounted += 1) === KINDS.length && !gone && setReady(true));
        field.on("change", (event) => setSeen((before) => ({ ...before, [kind]: event })));
        field.on("focus", () => setFocused(kind));
        field.on("blur", () => setFocused((now) => (now === kind ? "" : now)));
        field.mount(boxes.current[kind]);
        fields.current[kind] = field;
      }
    }
    if (!jsUrl || !publishableKey) return undefined;
    mount().catch(() => {
      if (gone) return;
      setBroken(true);
      calls.current.onResult?.({ status: "", error: "unavailable" });
    });
    return () => {
      gone = true;
      setReady(false);
      setSeen({});
      Object.values(fields.current).forEach((field) => field.destroy());
      fields.current = {};
    };
  }, [jsUrl, publishableKey, locale, tries]);

  useEffect(() => {
    if (ready) calls.current.onReady?.();
  }, [ready]);

  useEffect(() => {
    // The page's own colours change after this effect has run.
    const later = requestAnimationFrame(() => {
      const style = styleOf(boxes.current.cardNumber);
      Object.values(fields.current).forEach((field) => field.update({ style }));
    });
    return () => cancelAnimationFrame(later);
  }, [appearance, ready]);

  useEffect(() => {
    Object.values(fields.current).forEach((field) => field.update({ disabled }));
  }, [disabled, ready]);

  const complete = KINDS.every((kind) => seen[kind]?.complete);
  useEffect(() => {
    calls.current.onChange?.(complete);
  }, [complete]);

  useEffect(() => {
    async function confirm() {
      confirmed.current = clientSecret;
      calls.current.onTaken?.();
      const before = document.body.style.pointerEvents;
      // The bank's page opens beside the dialog, which would otherwise swallow its clicks.
      document.body.style.pointerEvents = "auto";
      let told;
      try {
        const method = { card: fields.current.cardNumber };
        const answer = await stripe.current.confirmCardPayment(clientSecret, {
          payment_method: method,
        });
        told = answer.error
          ? { status: "", error: answer.error.code ?? answer.error.type ?? "unknown" }
          : { status: answer.paymentIntent.status, error: "" };
      } catch {
        told = { status: "", error: "unknown" };
      }
      document.body.style.pointerEvents = before;
      calls.current.onResult?.(told);
    }
    if (clientSecret && ready && confirmed.current !== clientSecret) confirm();
    if (!clientSecret) confirmed.current = "";
  }, [clientSecret, ready]);

  const faultOf = (kind) =>
    seen[kind]?.error?.message ?? (missing && !seen[kind]?.complete ? texts[kind].missing : "");
  if (broken) {
    const again = () => {
      setBroken(false);
      setTries(tries + 1);
    };
    return h(
      "div",
      { role: "alert", style: { color: "var(--red-11)", fontSize: "var(--font-size-2)" } },
      `${texts.broken} `,
      h("button", { type: "button", className: "rt-reset rt-Link rt-underline-always", onClick: again }, texts.again),
    );
  }
  return h(
    "div",
    {
      role: "group",
      "aria-label": texts.group,
      "aria-busy": !ready,
      style: { display: "grid", gridTemplateColumns: "1fr 1fr", gap: "12px" },
    },
    KINDS.map((kind) =>
      h(Field, {
        key: kind,
        kind,
        text: texts[kind],
        fault: faultOf(kind),
        focused: focused === kind,
        disabled,
        onLabel: () => fields.current[kind]?.focus(),
        hold: (box) => (boxes.current[kind] = box),
      }),
    ),
  );
}
