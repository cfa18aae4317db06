// What the server has written into the customer's page, shown until the page's own state has come.
// React leaves it alone when it takes the page over; drawn anew, as for another language, the page
// has it from here.
import { createElement as h, useEffect } from "react";

const written = {};
let pressed;
if (typeof document !== "undefined") {
  const rooms = document.querySelectorAll("[data-first]");
  for (const room of rooms) written[room.dataset.first] = room.innerHTML;
  // From here on React looks after clicks. One that came earlier went nowhere: it is made again.
  // Where this page comes after another, React has looked after them all along.
  removeEventListener("click", window.portalEarly.note, true);
  if (rooms.length) pressed = window.portalEarly.button;
}

export function FirstRows({ element, place, className }) {
  useEffect(() => {
    const button = pressed;
    pressed = undefined;
    if (button?.isConnected) button.click();
  }, []);
  return h(element, {
    className: `first ${className ?? ""}`,
    "data-first": place,
    suppressHydrationWarning: true,
    dangerouslySetInnerHTML: { __html: written[place] ?? "" },
  });
}

// Where a tab shows other payments than the newest, it must not begin with them (see
// components/first_rows.py).
export function noteList(changed) {
  if (changed) sessionStorage.list = "changed";
  else delete sessionStorage.list;
}
