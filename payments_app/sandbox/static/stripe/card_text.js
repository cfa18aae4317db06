// How the digits of each card field are grouped, and what is wrong with them. No DOM in here.

const BRANDS = [
  { brand: "amex", start: /^3[47]/, lengths: [15], groups: [4, 6, 5], cvc: 4 },
  { brand: "diners", start: /^3(0[0-5]|[689])/, lengths: [14], groups: [4, 6, 4], cvc: 3 },
  { brand: "jcb", start: /^35/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { brand: "visa", start: /^4/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { brand: "mastercard", start: /^(5[1-5]|2[2-7])/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { brand: "discover", start: /^6(011|4[4-9]|5)/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
];
const OTHER = { brand: "unknown", lengths: [16, 17, 18, 19], groups: [4, 4, 4, 4, 3], cvc: 4 };

const PROBLEMS = {
  incomplete_number: "Your card number is incomplete.",
  invalid_number: "Your card number is invalid.",
  incomplete_expiry: "Your card's expiration date is incomplete.",
  invalid_expiry_month_past: "Your card's expiration date is in the past.",
  invalid_expiry_year_past: "Your card's expiration year is in the past.",
  invalid_expiry_year: "Your card's expiration year is invalid.",
  incomplete_cvc: "Your card's security code is incomplete.",
};

export const brandOf = (digits) => BRANDS.find(({ start }) => start.test(digits)) ?? OTHER;

export function problem(code) {
  return { type: "validation_error", code, message: PROBLEMS[code] };
}

function luhn(digits) {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (1 + (place % 2));
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

const number = {
  clean: (text) => {
    const digits = text.replace(/\D/g, "");
    return digits.slice(0, Math.max(...brandOf(digits).lengths));
  },
  format: (digits) => {
    let at = 0;
    const parts = brandOf(digits).groups.map((size) => digits.slice(at, (at += size)));
    return parts.filter(Boolean).join(" ");
  },
  check: (digits) => {
    const { lengths } = brandOf(digits);
    if (digits.length < Math.min(...lengths)) return "incomplete_number";
    return luhn(digits) ? null : "invalid_number";
  },
};

const expiry = {
  clean: (text) => {
    const whole = /^\s*(\d{1,2})\s*[/-]\s*(?:20)?(\d{2})\s*$/.exec(text);
    const digits = whole ? whole[1].padStart(2, "0") + whole[2] : text.replace(/\D/g, "");
    const month = /^([2-9]|1[3-9])/.test(digits) ? `0${digits}` : digits;
    return month.slice(0, 4);
  },
  format: (digits) =>
    digits.length < 2 ? digits : `${digits.slice(0, 2)} / ${digits.slice(2)}`,
  check: (digits, today = new Date()) => {
    if (digits.length < 4 || digits.startsWith("00")) return "incomplete_expiry";
    const month = Number(digits.slice(0, 2));
    const year = 2000 + Number(digits.slice(2));
    if (year < today.getFullYear()) return "invalid_expiry_year_past";
    if (year > today.getFullYear() + 50) return "invalid_expiry_year";
    const past = year === today.getFullYear() && month < today.getMonth() + 1;
    return past ? "invalid_expiry_month_past" : null;
  },
};

const cvc = {
  clean: (text, brand) => text.replace(/\D/g, "").slice(0, brand.cvc),
  format: (digits) => digits,
  check: (digits, brand) => {
    const enough = brand === OTHER ? 3 : brand.cvc;
    return digits.length < enough ? "incomplete_cvc" : null;
  },
};

// clean(text, brand) -> digits; format(digits) -> what is shown; check(digits, brand) -> code.
export const RULES = {
  cardNumber: number,
  cardExpiry: { ...expiry, check: (digits) => expiry.check(digits) },
  cardCvc: cvc,
};
