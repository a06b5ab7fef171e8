/* The keying grid by the keyboard: arrows move, "Tous" ticks or unticks a column. */
"use strict";
(() => {
  const table = document.querySelector(".grille");
  if (!table) return;
  const at = (row, column) => row && row.cells[column] && row.cells[column].querySelector("input:not([type=hidden])");
  const column = (cell) => cell.cellIndex;
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td"), row = cell && cell.parentElement;
    if (!row) return;
    const next = {
      ArrowDown: () => at(row.nextElementSibling, column(cell)),
      ArrowUp: () => at(row.previousElementSibling, column(cell)),
      ArrowRight: () => at(row, column(cell) + 1),
      ArrowLeft: () => at(row, column(cell) - 1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    const box = next();
    if (box) box.focus();
  });
  table.addEventListener("click", (event) => {
    const all = event.target.closest("button[name=tous]");
    if (!all) return;
    event.preventDefault();
    const boxes = Array.from(table.tBodies[0].rows, (row) => at(row, column(all.closest("th"))));
    const tick = boxes.some((box) => !box.checked);
    boxes.forEach((box) => { box.checked = tick; });
  });
})();
