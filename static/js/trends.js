// Chart.js takes over from the server's drawings: same numbers, same place, same size, now with touch and detail.
// Whoever only looks has all there is to see. It is fetched at the first sign of a hand, in a quiet moment, and a chart
// is taken over when it comes into view: a slow phone has nothing to do before.

const script = document.querySelector("script[data-chart]");
const boxes = [...document.querySelectorAll("[data-daily], [data-aligned]")];
const style = getComputedStyle(document.documentElement);
const color = (name) => style.getPropertyValue(name).trim();
const font = { family: style.getPropertyValue("--sans"), size: 13.5 };

function load(address) {
  return new Promise((done, failed) => {
    const element = document.createElement("script");
    element.src = address;
    element.onload = done;
    element.onerror = failed;
    document.head.append(element);
  });
}

const lines = (marks) => ({
  id: "infusions",
  beforeDatasetsDraw({ ctx, chartArea, scales }) {
    ctx.save();
    let last = -100;
    let row = 0;
    for (const { at, number } of marks) {
      const x = scales.x.getPixelForValue(at);
      row = x - last < 22 ? 1 - row : 0;
      last = x;
      const y = 11 + (marks.length > 20 ? 0 : row * 21);
      ctx.strokeStyle = color("--hline");
      ctx.lineWidth = 1.75;
      ctx.setLineDash([1.5, 4]);
      ctx.beginPath();
      ctx.moveTo(x, number === null ? chartArea.top - 12 : y + 10);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      if (number === null || marks.length > 20) continue;
      ctx.setLineDash([]);
      ctx.fillStyle = color("--surface");
      ctx.beginPath();
      ctx.arc(x, y, 10, 0, Math.PI * 2);
      ctx.fill();
      ctx.stroke();
      ctx.fillStyle = color("--ink");
      ctx.font = `600 13px ${font.family}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillText(String(number), x, y + 0.5);
    }
    ctx.restore();
  },
});

const common = (labels, title, top, ticks) => ({
  animation: false,
  responsive: true,
  maintainAspectRatio: false,
  layout: { padding: { top, right: 14 } },
  interaction: { mode: "index", intersect: false, axis: "x" },
  scales: {
    x: {
      type: "category",
      labels,
      grid: { display: false },
      border: { display: false },
      ticks: {
        color: color("--ink2"),
        font,
        maxRotation: 0,
        autoSkip: false,
        callback(value, index) {
          return ticks[index] ?? "";
        },
      },
    },
    y: {
      min: 0,
      max: 10,
      ticks: { stepSize: 5, color: color("--ink2"), font },
      grid: { color: color("--line") },
      border: { display: false },
    },
  },
  plugins: {
    legend: { display: false },
    tooltip: {
      backgroundColor: color("--ink"),
      titleColor: color("--bg"),
      bodyColor: color("--bg"),
      displayColors: false,
      padding: 10,
      callbacks: { title: title, label: (item) => (item.raw === null ? null : `${item.dataset.label}: ${item.raw}`) },
    },
  },
});

function dayName(iso) {
  return new Date(`${iso}T12:00:00`).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" });
}

function daily(data, id) {
  const series = data.series.find((one) => one.id === id);
  const last = series.values.findLastIndex((value) => value !== null);
  const ink = color("--series");
  const alone = (i) => series.values[i] !== null && series.values[i - 1] == null && series.values[i + 1] == null;
  return {
    type: "line",
    data: {
      datasets: [
        {
          label: "7-day middle",
          data: series.median,
          borderColor: `color-mix(in srgb, ${ink} 22%, transparent)`,
          borderWidth: 7,
          pointRadius: 0,
          borderCapStyle: "round",
        },
        {
          label: series.title,
          data: series.values,
          borderColor: ink,
          borderWidth: 1.75,
          pointRadius: series.values.map((_, i) => (series.late[i] ? 4 : i === last ? 4.5 : alone(i) ? 1.8 : 0)),
          pointHitRadius: 12,
          pointBackgroundColor: series.values.map((_, i) => (series.late[i] ? color("--bg") : ink)),
          pointBorderColor: ink,
        },
      ],
    },
    options: {
      ...common(data.dates.map(dayName), (items) => {
        const i = items[0].dataIndex;
        return dayName(data.dates[i]) + (series.late[i] ? ", filled in later" : "");
      }, 30, data.ticks),
      spanGaps: false,
    },
    plugins: [lines(data.infusions.map((i) => ({ at: data.dates.indexOf(i.day), number: i.number })))],
  };
}

const lone = (values, radius) =>
  values.map((value, i) => (value !== null && values[i - 1] == null && values[i + 1] == null ? radius : 0));

// Numbers at the ends of the newest three lines, as the server writes them; lines that meet share one.
const endNumbers = (chartLines) => ({
  id: "ends",
  afterDatasetsDraw({ ctx, scales }) {
    const ends = [];
    for (const line of chartLines.slice(-3)) {
      const place = line.values.findLastIndex((value) => value !== null);
      if (place < 0) continue;
      const [x, y] = [scales.x.getPixelForValue(place), scales.y.getPixelForValue(line.values[place])];
      const near = ends.find((end) => Math.abs(end.x - x) < 16 && Math.abs(end.y - y) < 13);
      if (near) near.numbers.push(line.number);
      else ends.push({ x, y, numbers: [line.number] });
    }
    ctx.save();
    ctx.fillStyle = color("--ink");
    ctx.font = `600 13.5px ${font.family}`;
    ctx.textBaseline = "middle";
    for (const { x, y, numbers } of ends) ctx.fillText(numbers.join(", "), x + 6, y);
    ctx.restore();
  },
});

function aligned(data) {
  const chart = data.aligned;
  const labels = chart.day_after.map((d) => (d < 0 ? `−${-d}` : String(d)));
  const newest = chart.lines.length;
  const one = chart.lines.map((line, place) => {
    const age = newest - place;
    const shade = age <= 3 ? color("--ink2") : `color-mix(in srgb, ${color("--ink2")} 38%, transparent)`;
    return {
      label: `Infusion ${line.number}`,
      data: line.values,
      borderColor: shade,
      borderWidth: 1.25,
      borderDash: [[6, 3], [], [2, 3]][age % 3],
      pointRadius: lone(line.values, 2),
      pointBackgroundColor: shade,
      pointHitRadius: 10,
    };
  });
  const middle = (label, ink, width, order) => ({
    label,
    data: chart.median,
    borderColor: ink,
    borderWidth: width,
    pointRadius: label ? lone(chart.median, 3.5) : 0,
    pointBackgroundColor: ink,
    borderCapStyle: "round",
    order,
  });
  const ticks = {};
  for (const day of [-3, 0, 7, 14]) {
    const i = chart.day_after.indexOf(day);
    ticks[i] = [labels[i], `${day === -3 ? "n " : ""}${chart.n[i]}`];
  }
  const options = common(labels, (items) => `Day ${labels[items[0].dataIndex]}, n = ${chart.n[items[0].dataIndex]}`, 30, ticks);
  options.layout.padding.right = 36;
  options.plugins.tooltip.filter = (item) => Boolean(item.dataset.label);
  return {
    type: "line",
    data: { datasets: [...one, middle("", color("--bg"), 8, -1), middle("Middle", color("--primary"), 4, -2)] },
    options: { ...options, spanGaps: false },
    plugins: [lines([{ at: chart.day_after.indexOf(0), number: null }]), endNumbers(chart.lines)],
  };
}

async function takeOver() {
  const query = new URLSearchParams(location.search);
  const [answer] = await Promise.all([fetch(`/trends.json?${query}`), load(script.dataset.chart)]);
  if (!answer.ok) return;
  const data = await answer.json();
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      quiet(() => replace(target, data));
    }
  });
  boxes.forEach((box) => seen.observe(box));
}

function replace(box, data) {
  const drawing = box.querySelector("svg");
  const holder = document.createElement("div");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", drawing.getAttribute("aria-label"));
  holder.style.height = `${drawing.getBoundingClientRect().height}px`;
  holder.style.position = "relative";
  holder.append(canvas);
  drawing.replaceWith(holder);
  new Chart(canvas, box.dataset.daily ? daily(data, box.dataset.daily) : aligned(data));
}

const quiet = (work) => ("requestIdleCallback" in window ? requestIdleCallback(work, { timeout: 800 }) : setTimeout(work, 50));

const signs = ["pointerdown", "pointermove", "keydown", "wheel", "scroll"];
function start() {
  for (const sign of signs) removeEventListener(sign, start);
  quiet(takeOver);
}
if (boxes.length) for (const sign of signs) addEventListener(sign, start, { passive: true });
