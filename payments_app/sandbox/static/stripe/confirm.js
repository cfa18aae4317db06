// Collects the digits of all fields and confirms the payment, from the number's frame.
import { problem } from "./card_text.js";

const API = new URL("../../../", location.href).href;
const NEEDED = ["cardNumber", "cardExpiry", "cardCvc"];
const FIELDS_SECONDS = 2;
const ANSWER_SECONDS = 15;

function collect(channel, own) {
  return new Promise((resolve) => {
    const ask = `${Date.now()}-${Math.random()}`;
    const fields = { [own.kind]: own };
    const finish = () => {
      clearTimeout(timer);
      channel.removeEventListener("message", hear);
      resolve(fields);
    };
    const hear = ({ data }) => {
      if (data.reply !== ask) return;
      fields[data.kind] = data;
      if (NEEDED.every((kind) => fields[kind])) finish();
    };
    const timer = setTimeout(finish, FIELDS_SECONDS * 1000);
    channel.addEventListener("message", hear);
    channel.postMessage({ ask });
  });
}

function form({ cardNumber, cardExpiry, cardCvc }, clientSecret, key, billing) {
  const card = {
    number: cardNumber.digits,
    exp_month: cardExpiry.digits.slice(0, 2),
    exp_year: cardExpiry.digits.slice(2),
    cvc: cardCvc.digits,
  };
  const body = new URLSearchParams({ key, client_secret: clientSecret, "payment_method_data[type]": "card" });
  for (const [name, value] of Object.entries(card)) body.set(`payment_method_data[card][${name}]`, value);
  for (const [name, value] of Object.entries(billing ?? {})) {
    if (typeof value === "string") body.set(`payment_method_data[billing_details][${name}]`, value);
  }
  return body;
}

export async function confirmCard({ channel, own, clientSecret, key, billing }) {
  const fields = await collect(channel, own);
  if (NEEDED.some((kind) => !fields[kind])) {
    return { error: { type: "invalid_request_error", message: "A card field is not mounted." } };
  }
  const wrong = NEEDED.map((kind) => fields[kind].code).find(Boolean);
  if (wrong) return { error: problem(wrong) };
  const [intent] = clientSecret.split("_secret_");
  try {
    const answer = await fetch(`${API}v1/payment_intents/${encodeURIComponent(intent)}/confirm`, {
      method: "POST",
      body: form(fields, clientSecret, key, billing),
      signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
    });
    const body = await answer.json();
    return body.error ? { error: body.error } : { paymentIntent: body };
  } catch {
    const message = "The card processor did not answer. The payment may or may not have been made.";
    return { error: { type: "api_connection_error", message } };
  }
}
