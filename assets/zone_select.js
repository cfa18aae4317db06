// The time zones that the browser knows, to choose from and send as a plain form.
import { createElement as h, useEffect, useState } from "react";

export function ZoneSelect({ zone, label, save }) {
  const [zones, setZones] = useState([]);
  useEffect(() => setZones(Intl.supportedValuesOf("timeZone")), []);
  const all = [...new Set([zone, "UTC", ...zones])].sort();
  return h(
    "form",
    { action: "/auth/places", method: "post", className: "zone-form" },
    h(
      "select",
      { name: "time_zone", key: zone, defaultValue: zone, "aria-label": label },
      all.map((name) => h("option", { key: name, value: name }, name.replaceAll("_", " "))),
    ),
    h("button", null, save),
  );
}
