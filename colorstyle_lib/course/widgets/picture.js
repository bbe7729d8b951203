// A picture before and after a change, with a divider between the two, hints as numbered pins, and a mask to brush.
// Dragging happens here alone; Python hears of a finished action only.
function element(name, className, parent, attributes = {}) {
  const made = document.createElement(name);
  made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

async function decode(bytes) {
  return bytes?.byteLength ? createImageBitmap(new Blob([bytes])) : null;
}

function render({ model, el }) {
  const root = element("div", "cs-picture", el);
  const stage = element("div", "cs-stage", root);
  const canvas = element("canvas", "cs-canvas", stage, { role: "img" });
  const pins = element("div", "cs-pins", stage);
  const busy = element("div", "cs-busy", stage, { role: "status" });
  const label = element("label", "cs-divider", root);
  element("span", "", label).textContent = "before";
  const divider = element("input", "", label, { type: "range", min: 0, max: 100, "aria-label": "divider: before | after" });
  element("span", "", label).textContent = "after";
  divider.value = 0;

  const shown = { before: null, after: null };
  let mask = null;
  let last = null;

  function draw() {
    const { before, after } = shown;
    if (!after) return;
    if (canvas.width !== after.width || canvas.height !== after.height) {
      [canvas.width, canvas.height] = [after.width, after.height];
    }
    const context = canvas.getContext("2d");
    context.drawImage(after, 0, 0);
    const x = Math.round((canvas.width * divider.value) / 100);
    if (before && x > 0) {
      context.drawImage(before, 0, 0, x, before.height, 0, 0, x, canvas.height);
      context.fillStyle = "white";
      context.fillRect(x - 1, 0, 2, canvas.height);
    }
    if (mask && model.get("mode") === "brush") {
      context.globalAlpha = 0.5;
      context.drawImage(mask, 0, 0);
      context.globalAlpha = 1;
    }
  }

  async function load(which) {
    const bytes = model.get(which);
    const bitmap = await decode(bytes);
    if (model.get(which) !== bytes) return; // a newer one is on its way
    shown[which] = bitmap; // until here the old one stays, so nothing flickers
    draw();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const [width, height] = model.get("size");
    const part = (at, start, length) => Math.min(Math.max((at - start) / length, 0), 0.9999);
    return [part(event.clientX, box.left, box.width) * width, part(event.clientY, box.top, box.height) * height].map(Math.floor);
  }

  function set(hints) {
    model.set("hints", hints);
    model.save_changes();
  }

  function drawPins() {
    pins.replaceChildren();
    const [width, height] = model.get("size");
    model.get("hints").forEach(([x, y, color], i) => {
      const name = `hint ${i + 1}: ${color} at ${x}, ${y}; arrow keys move it, Delete removes it`;
      const pin = element("button", "cs-pin", pins, { "aria-label": name, title: name });
      pin.textContent = i + 1;
      const put = (left, top) => Object.assign(pin.style, { left: `${(100 * left) / width}%`, top: `${(100 * top) / height}%` });
      put(x, y);
      pin.style.setProperty("--color", color);
      const moved = (to) => set(model.get("hints").map((hint, j) => (j === i ? [...to, hint[2]] : hint)));
      pin.onpointerdown = (event) => pin.setPointerCapture(event.pointerId);
      pin.onpointermove = (event) => pin.hasPointerCapture(event.pointerId) && put(...place(event));
      pin.onpointerup = (event) => {
        const to = place(event);
        if (Math.hypot(to[0] - x, to[1] - y) > 2) moved(to);
      };
      pin.ondblclick = () => set(model.get("hints").filter((_, j) => j !== i));
      pin.onkeydown = (event) => {
        const step = Math.max(1, Math.round(width / 100));
        const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
        if (by) moved([Math.min(Math.max(x + by[0], 0), width - 1), Math.min(Math.max(y + by[1], 0), height - 1)]);
        else if (event.key === "Delete" || event.key === "Backspace") set(model.get("hints").filter((_, j) => j !== i));
        else return;
        event.preventDefault();
        event.stopPropagation();
      };
    });
  }

  function brush(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
    const context = mask.getContext("2d");
    Object.assign(context, { strokeStyle: "#d55e00", lineCap: "round", lineWidth: canvas.height * model.get("brush") });
    context.beginPath();
    context.moveTo(...(last ?? [x, y]));
    context.lineTo(x, y);
    context.stroke();
    last = [x, y];
    draw();
  }

  function empty({ width, height }) {
    return Object.assign(document.createElement("canvas"), { width, height });
  }

  async function loadMask() {
    const bytes = model.get("mask");
    const bitmap = await decode(bytes);
    if (last || model.get("mask") !== bytes) return; // a stroke that is being drawn tells of all of them at its end
    mask = bitmap && empty(bitmap);
    const context = mask?.getContext("2d");
    context?.drawImage(bitmap, 0, 0);
    Object.assign(context ?? {}, { globalCompositeOperation: "source-in", fillStyle: "#d55e00" });
    context?.fillRect(0, 0, mask.width, mask.height); // in the color of the brush, whatever was sent
    Object.assign(context ?? {}, { globalCompositeOperation: "source-over" });
    draw();
  }

  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (model.get("mode") !== "brush") return;
    mask ??= empty(canvas);
    brush(event);
  };
  canvas.onpointermove = (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    if (model.get("mode") === "brush") brush(event);
    else if (model.get("mode") === "look") {
      divider.value = (100 * place(event)[0]) / model.get("size")[0];
      draw();
    }
  };
  canvas.onpointerup = (event) => {
    const mode = model.get("mode");
    last = null;
    if (mode === "hint") set([...model.get("hints"), [...place(event), model.get("color")]]);
    if (mode === "brush") {
      mask.toBlob(async (blob) => {
        model.set("mask", new DataView(await blob.arrayBuffer()));
        model.save_changes();
      });
    }
  };
  divider.oninput = draw;

  const told = () => {
    canvas.setAttribute("aria-label", model.get("description"));
    canvas.dataset.mode = model.get("mode");
    busy.textContent = model.get("busy") ? "computing …" : "";
    draw();
  };
  const heard = {
    "change:before": () => load("before"),
    "change:after": () => load("after"),
    "change:hints change:size": drawPins,
    "change:description change:busy change:mode": told,
    "change:mask": loadMask,
  };
  for (const [events, call] of Object.entries(heard)) for (const event of events.split(" ")) model.on(event, call);
  for (const call of [() => load("before"), () => load("after"), drawPins, told]) call();
  const copy = ({ copy: text }) => navigator.clipboard?.writeText(text).catch(() => {}); // else it is there to be selected
  model.on("msg:custom", copy);
  return () => {
    model.off("msg:custom", copy);
    for (const [events, call] of Object.entries(heard)) for (const event of events.split(" ")) model.off(event, call);
  };
}

export default { render };
