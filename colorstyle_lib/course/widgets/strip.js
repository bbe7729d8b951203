// A row of thumbnails, of which one is chosen.
function render({ model, el }) {
  const group = document.createElement("div");
  group.className = "cs-strip";
  group.setAttribute("role", "radiogroup");
  el.append(group);
  let urls = [];

  async function draw() {
    const thumbnails = model.get("thumbnails");
    const made = thumbnails.map((bytes) => URL.createObjectURL(new Blob([bytes])));
    const images = made.map((src) => Object.assign(document.createElement("img"), { src, alt: "" }));
    await Promise.allSettled(images.map((image) => image.decode())); // until here the old ones stay: no flicker
    if (model.get("thumbnails") !== thumbnails) return made.forEach(URL.revokeObjectURL);
    urls.forEach(URL.revokeObjectURL);
    urls = made;
    group.setAttribute("aria-label", model.get("description"));
    const focused = [...group.children].indexOf(document.activeElement);
    group.replaceChildren(
      ...images.map((image, i) => {
        const button = document.createElement("button");
        const name = Object.assign(document.createElement("span"), { textContent: model.get("labels")[i] });
        button.setAttribute("role", "radio");
        button.title = model.get("labels")[i];
        button.append(image, name);
        button.onclick = () => {
          model.set("value", i);
          model.save_changes();
        };
        return button;
      }),
    );
    group.children[focused]?.focus();
    mark();
  }

  function mark() {
    [...group.children].forEach((button, i) => button.setAttribute("aria-checked", i === model.get("value")));
  }

  model.on("change:thumbnails", draw);
  model.on("change:value", mark);
  draw();
  return () => {
    model.off("change:thumbnails", draw);
    model.off("change:value", mark);
    urls.forEach(URL.revokeObjectURL);
  };
}

export default { render };
