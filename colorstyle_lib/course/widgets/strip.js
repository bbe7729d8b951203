// A row of thumbnails, of which one is chosen.
function render({ model, el }) {
  const group = document.createElement("div");
  group.className = "cs-strip";
  group.setAttribute("role", "radiogroup");
  el.append(group);
  let urls = [];

  function draw() {
    urls.forEach(URL.revokeObjectURL);
    urls = model.get("thumbnails").map((bytes) => URL.createObjectURL(new Blob([bytes])));
    group.setAttribute("aria-label", model.get("description"));
    group.replaceChildren(
      ...urls.map((url, i) => {
        const button = document.createElement("button");
        const image = Object.assign(document.createElement("img"), { src: url, alt: "" });
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
