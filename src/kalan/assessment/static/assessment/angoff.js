/* Mean and standard deviation of a row while it is being keyed in. */
"use strict";
(() => {
  const table = document.querySelector("[data-angoff]");
  if (!table) return;
  const number = (text) => parseFloat(text.replace(",", "."));
  const shown = (value, digits) => value.toLocaleString("fr-FR", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  table.addEventListener("input", (event) => {
    const row = event.target.closest("tr");
    const values = Array.from(row.querySelectorAll("input"), (one) => number(one.value)).filter((one) => one >= 0 && one <= 100);
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1));
    row.querySelector("[data-mean]").textContent = values.length ? shown(mean, 0) : "";
    row.querySelector("[data-sd]").textContent = values.length > 1 ? shown(spread, 1) : "";
  });
})();
