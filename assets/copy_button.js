// A button that copies a text and says so for a moment.
import { createElement as h, useEffect, useState } from "react";
import { t } from "$/public/words.js";

export function CopyButton({ text, label }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return h(
    "button",
    { type: "button", className: "copy", title: label, onClick: copy },
    h("span", { className: "copy-text" }, text),
    h("span", { className: "copy-hint", role: "status" }, copied ? t("Copied") : t("Copy")),
  );
}
