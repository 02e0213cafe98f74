// A line for each source of readings over the last 30 seconds.

const spanShown = 30_000;
const hues = [215, 25, 145, 285, 345, 180, 50, 255, 90, 315];

/** The colours there are. A source says with each reading which of them is its own, so that every tab draws it alike. */
export const colorCount = hues.length;

export function cssOf(color, dark) {
  return `hsl(${hues[color]} 75% ${dark ? 65 : 42}%)`;
}

export class Chart {
  #canvas;
  #series = new Map();
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Sources with a reading in the span, by name: what each is, its colour and its last value. */
  get legend() {
    return [...this.#series]
      .map(([source, { color, points }]) => ({ source, color: cssOf(color, this.#dark.matches), value: points.at(-1).value }))
      .sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  /** The colours that sources beside this one use. */
  colorsBeside(self) {
    return new Set([...this.#series].filter(([source]) => source !== self).map(([, { color }]) => color));
  }

  add(source, color, time, value) {
    const series = this.#series.get(source) ?? { points: [] };
    this.#series.set(source, series);
    series.color = Number.isInteger(color) && color >= 0 && color < colorCount ? color : 0;
    series.points.push({ time, value });
  }

  draw(now) {
    this.forget(now);
    const { width, height, pen } = this.#resize();
    const values = [...this.#series.values()].flatMap(({ points }) => points.map(point => point.value));
    const low = Math.min(-1, ...values) - 0.5;
    const high = Math.max(1, ...values) + 0.5;
    const x = time => width - ((now - time) / spanShown) * width;
    const y = value => height - ((value - low) / (high - low)) * height;
    this.#drawGrid(pen, width, height, y, low, high);
    for (const { color, points } of this.#series.values()) {
      pen.strokeStyle = cssOf(color, this.#dark.matches);
      pen.lineWidth = 2;
      pen.lineJoin = "round";
      pen.beginPath();
      for (const { time, value } of points) pen.lineTo(x(time), y(value));
      pen.stroke();
    }
  }

  /** Drops what has left the span. A hidden tab does not draw, and must not keep everything either. */
  forget(now) {
    const before = now - spanShown;
    for (const [source, { points }] of this.#series) {
      const kept = points.findIndex(point => point.time >= before);
      if (kept < 0) this.#series.delete(source);
      else if (kept > 1) points.splice(0, kept - 1); // One point before the edge, so that the line reaches it.
    }
  }

  #resize() {
    const scale = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [pixelsWide, pixelsHigh] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.#canvas.width !== pixelsWide || this.#canvas.height !== pixelsHigh) {
      this.#canvas.width = pixelsWide;
      this.#canvas.height = pixelsHigh;
    }
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { width, height, pen };
  }

  #drawGrid(pen, width, height, y, low, high) {
    const grey = this.#dark.matches ? "255 255 255" : "0 0 0";
    pen.strokeStyle = `rgb(${grey} / 12%)`;
    pen.fillStyle = `rgb(${grey} / 60%)`;
    pen.lineWidth = 1;
    pen.font = "11px system-ui, sans-serif";
    pen.beginPath();
    for (let seconds = 0; seconds < 30; seconds += 10) {
      const at = width - (seconds / 30) * width;
      pen.moveTo(at, 0);
      pen.lineTo(at, height);
      if (seconds > 0) pen.fillText(`-${seconds} s`, at + 3, height - 4);
    }
    const step = Math.max(1, Math.ceil((high - low) / 6));
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      pen.moveTo(0, y(value));
      pen.lineTo(width, y(value));
      pen.fillText(String(value), 3, Math.max(11, y(value) - 3)); // Whole, even at the upper edge.
    }
    pen.stroke();
  }
}
