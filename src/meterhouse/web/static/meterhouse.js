// Draws the charts that the page describes as data. No text of a page is ever run or taken for markup.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colours = {
    light: ["#1f77b4", "#d1610a", "#2b7a3f", "#b3261e", "#7a52a8", "#7a5348", "#b8408f", "#6b7380"],
    dark: ["#6db3ea", "#f2a154", "#6fc384", "#f08078", "#b89ae0", "#c9a294", "#ea8cc8", "#aab3bf"],
  };
  const config = () => {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const range = dark.matches ? colours.dark : colours.light;
    return {
      background: null,
      font: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line,
              labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 12 },
      view: { stroke: null },
      bar: { color: range[0] }, line: { color: range[0] }, area: { color: range[0] }, point: { color: range[0] },
      range: { category: range },
    };
  };
  const draw = (place) => {
    const spec = JSON.parse(place.dataset.chart);
    const legend = spec.encoding.color && spec.encoding.color.legend;
    if (legend && place.clientWidth < 500) { legend.columns = 1; legend.labelLimit = place.clientWidth - 60; }
    vegaEmbed(place, spec, {
      mode: "vega-lite", actions: false, renderer: "svg", defaultStyle: false, config: config(),
      ast: true, expr: vega.expressionInterpreter, tooltip: { disableDefaultStyle: true },
    }).catch((error) => { place.textContent = "The chart can't be drawn; the table has its figures."; console.error(error); });
  };
  const drawAll = (within) => within.querySelectorAll("[data-chart]").forEach(draw);
  drawAll(document);
  document.addEventListener("htmx:afterSettle", () => drawAll(document));
  dark.addEventListener("change", () => drawAll(document));
  // Empty fields say nothing: they stay out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    for (const name of ["where", "by"]) {
      const said = [].concat(event.detail.parameters[name] ?? []).filter((value) => value !== "");
      delete event.detail.parameters[name];
      if (said.length) event.detail.parameters[name] = said;
      else if (name === "by") event.detail.parameters[name] = "";
    }
  });
})();
