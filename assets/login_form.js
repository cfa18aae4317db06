// Sends e-mail and password to the login route and opens the page that it names.
// A page load follows, since the event socket knows its cookie only from when it connects.
import { createElement as h, useRef, useState } from "react";

async function logIn(fields) {
  const answer = await fetch("/auth/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
  const said = await answer.json();
  return answer.ok ? { next: said.next } : { error: said.error };
}

function complaints(texts, { email, password }) {
  const found = {};
  if (!email.trim()) found.email = texts.email_missing;
  if (!password) found.password = texts.password_missing;
  return found;
}

function Field({ name, label, fault, ...input }) {
  const id = `login-${name}`;
  return h(
    "div",
    { className: "login-field" },
    h("label", { htmlFor: id }, label),
    h("input", {
      id,
      name,
      required: true,
      "aria-invalid": fault ? true : undefined,
      "aria-describedby": fault ? `${id}-fault` : undefined,
      ...input,
    }),
    fault && h("p", { id: `${id}-fault`, className: "fault" }, fault),
  );
}

export function LoginForm({ texts }) {
  const form = useRef(null);
  const [faults, setFaults] = useState({});
  const [busy, setBusy] = useState(false);
  const [asksForCode, setAsksForCode] = useState(false);

  const complain = (found) => {
    setFaults(found);
    const name = ["email", "password", "code"].find((field) => found[field]);
    form.current.elements[name].focus();
  };

  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const { email, password, code = "" } = Object.fromEntries(new FormData(form.current));
    const missing = complaints(texts, { email, password });
    if (Object.keys(missing).length) return complain(missing);
    setBusy(true);
    setFaults({});
    const next = new URLSearchParams(window.location.search).get("next") ?? "/";
    try {
      const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const said = await logIn({ email: email.trim(), password, code: code.trim(), time_zone, next });
      if (said.next) return window.location.assign(said.next);
      if (said.error === "code_needed") setAsksForCode(true);
      else if (said.error === "wrong_code") complain({ code: texts.wrong_code });
      else complain({ password: texts[said.error] ?? texts.invalid });
    } catch {
      complain({ password: texts.unreachable });
    }
    setBusy(false);
  };

  return h(
    "form",
    { ref: form, className: "login-form", onSubmit: submit, noValidate: true, method: "post" },
    h(Field, {
      name: "email",
      label: texts.email,
      type: "email",
      autoComplete: "username",
      autoFocus: true,
      fault: faults.email,
    }),
    h(Field, {
      name: "password",
      label: texts.password,
      type: "password",
      autoComplete: "current-password",
      fault: faults.password,
    }),
    asksForCode &&
      h(Field, {
        name: "code",
        label: texts.code,
        autoComplete: "one-time-code",
        autoFocus: true,
        fault: faults.code,
      }),
    h("p", { className: "sr-only", role: "alert" }, Object.values(faults).join(" ")),
    h("button", { className: "login-button", "aria-busy": busy }, busy ? texts.busy : texts.submit),
  );
}
