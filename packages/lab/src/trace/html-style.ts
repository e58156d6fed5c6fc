/** The page follows the reader's choice of dark or light. Colours are those of Okabe and Ito, told apart without hue too. */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1b1b1b; --back: #ffffff; --faint: #5c5c5c; --line: #c8c8c8; --message: #0072b2;
  --lost: #b03a00; --deliver: #00694d; --view: #7a3e7a; --suspect: #7a5b00; --key: #000000; }
@media (prefers-color-scheme: dark) { :root { --text: #ececec; --back: #16181b; --faint: #a8a8a8; --line: #44484d;
  --message: #6cc0f0; --lost: #ff9a5c; --deliver: #3fd0a4; --view: #e0a3d4; --suspect: #f0e442; --key: #ffffff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.4 system-ui, sans-serif; color: var(--text); background: var(--back); height: 100vh;
  display: flex; flex-direction: column; }
header { padding: 8px 12px; border-bottom: 1px solid var(--line); }
h1 { font-size: 17px; margin: 0; overflow-wrap: anywhere; }
p { margin: 2px 0 6px; color: var(--faint); }
#controls { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 8px; }
legend { float: left; margin-right: 8px; }
main { flex: 1; min-height: 0; display: flex; }
#scroll { flex: 2; overflow: auto; position: relative; min-width: 0; }
#scroll:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--message); outline-offset: -3px; }
#tall { position: relative; }
canvas { position: sticky; top: 0; left: 0; display: block; }
section { flex: 1; overflow: auto; border-left: 1px solid var(--line); min-width: 220px; }
table { border-collapse: collapse; width: 100%; font: 12px/1.35 ui-monospace, monospace; }
caption { text-align: left; padding: 4px 8px; font: 12px system-ui, sans-serif; color: var(--faint); }
td, th { text-align: left; padding: 1px 8px; vertical-align: top; overflow-wrap: anywhere; }
th { position: sticky; top: 0; background: var(--back); }
tr[aria-current] td { background: var(--line); }
@media (max-width: 700px) { main { flex-direction: column; } section { border-left: 0; border-top: 1px solid var(--line); } }
`;
