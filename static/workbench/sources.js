// Where telegrams come from besides the keyboard: dropped files, captures, frames that wait.
const LARGEST = 4_000_000;

const isText = (bytes) => bytes.every((byte) => byte === 9 || byte === 10 || (byte >= 32 && byte < 127));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const CAPTURES = ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a"];
// Several lines of hexadecimal or base64 are several frames; a JSON document or a P1 telegram is one.
const isList = (bytes) => isText(bytes) && !"{[/".includes(String.fromCharCode(bytes[0])) && hexOf(bytes).includes("0a");

export const watchSources = ({ root, part, words, csrf, tell, changed }) => {
  const payload = root.querySelector('[data-sample="payload"]');
  const encoding = root.querySelector('[data-sample="encoding"]');
  const picker = part("picker");
  const select = part("frame");
  let frames = [];

  const use = (text, written = "auto") => {
    payload.value = text;
    encoding.value = written;
    changed();
  };

  const offer = (found, label) => {
    frames = found;
    picker.hidden = !found.length;
    part("picker-label").textContent = label;
    select.replaceChildren(...found.map((frame, index) => new Option(frame.label, String(index))));
    if (found.length) choose();
  };

  const choose = () => {
    const frame = frames[Number(select.value)];
    part("frame-why").textContent = frame?.why ?? "";
    if (frame?.hex) use(frame.hex, "hex");
  };
  select.addEventListener("change", choose);

  const answered = async (response) => {
    const told = await response.json();
    if (!response.ok) throw new Error(told.refused ?? words.broken);
    return told.frames;
  };

  const capture = async (file) => {
    const body = new FormData();
    body.append("file", file);
    const headers = { "X-CSRFToken": csrf, Accept: "application/json" };
    const found = await answered(await fetch(root.dataset.capture, { method: "POST", headers, body }));
    offer(found, words.frames.replace("%s", found.length));
  };

  const take = async (file) => {
    if (!file) return;
    if (file.size > LARGEST) {
      tell(words.tooLarge, true);
      return;
    }
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (CAPTURES.includes(hexOf(bytes.subarray(0, 4))) || (bytes.length && isList(bytes))) await capture(file);
      else if (isText(bytes)) use(new TextDecoder().decode(bytes));
      else use(hexOf(bytes), "hex");
    } catch (error) {
      tell(error.message, true);
    }
  };

  part("file").addEventListener("change", (event) => take(event.target.files[0]));
  const drop = part("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    const [file] = event.dataTransfer.files;
    if (file) take(file);
    else use(event.dataTransfer.getData("text/plain"));
  });

  part("frames-button").addEventListener("click", async () => {
    try {
      const found = await answered(await fetch(root.dataset.frames, { headers: { Accept: "application/json" } }));
      offer(found, words.chooseFrame);
      if (!found.length) tell(words.noFrames);
    } catch (error) {
      tell(error.message, true);
    }
  });
};
