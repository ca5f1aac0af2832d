const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const paint = (name) => getComputedStyle(root).getPropertyValue(name).trim();
function layout(extra) {
  const axis = { gridcolor: paint("--line"), zerolinecolor: paint("--line"), automargin: true };
  return Object.assign({
    paper_bgcolor: paint("--paper"), plot_bgcolor: paint("--paper"), font: { color: paint("--ink"), size: 12 },
    margin: { l: 60, r: 10, t: 10, b: 30 }, hovermode: "x unified", showlegend: false,
    legend: { orientation: "h", y: 1.12 }, xaxis: Object.assign({}, axis), yaxis: Object.assign({}, axis),
  }, extra || {});
}
const line = (values, name, colour, more) => Object.assign(
  { x: data.dates, y: values, name: name, type: "scatter", mode: "lines", line: { color: paint(colour), width: 1.5 } }, more || {});
function percent(axis) { axis.tickformat = ".1%"; return axis; }
