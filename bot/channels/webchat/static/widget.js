// Embed with <script src="https://YOUR-HOST/chat/widget.js" async></script>. Adds a button that opens the chat in a frame.
(() => {
  "use strict";
  const base = new URL(document.currentScript.src).origin;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "⚡ Chat";
  button.setAttribute("aria-expanded", "false");
  button.style.cssText = "position:fixed;right:16px;bottom:16px;z-index:2147483000;border:0;border-radius:24px;" +
    "padding:12px 18px;font:600 16px system-ui,sans-serif;background:#0b5fa5;color:#fff;cursor:pointer;box-shadow:0 2px 10px rgba(0,0,0,.3)";
  let frame = null;
  button.addEventListener("click", () => {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.src = base + "/chat?lang=" + encodeURIComponent((document.documentElement.lang || "en").slice(0, 2));
      frame.title = "Chat";
      frame.allow = "geolocation";
      frame.style.cssText = "position:fixed;right:16px;bottom:76px;z-index:2147483000;width:min(380px,calc(100vw - 32px));" +
        "height:min(600px,calc(100vh - 100px));border:1px solid #c5ccd6;border-radius:12px;background:#fff;box-shadow:0 4px 24px rgba(0,0,0,.3)";
      document.body.append(frame);
      button.setAttribute("aria-expanded", "true");
      return;
    }
    frame.hidden = !frame.hidden;
    frame.style.display = frame.hidden ? "none" : "";
    button.setAttribute("aria-expanded", String(!frame.hidden));
  });
  document.body.append(button);
})();
