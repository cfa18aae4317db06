// Takes the browser to a payment page, once for each address: whoever comes back stays here.
import { useEffect } from "react";

const LEFT = "left-for";

export function Leave({ url }) {
  useEffect(() => {
    if (!url || sessionStorage.getItem(LEFT) === url) return;
    const { protocol } = new URL(url);
    if (protocol !== "https:" && protocol !== "http:") return;
    sessionStorage.setItem(LEFT, url);
    window.location.assign(url);
  }, [url]);
  return null;
}
