/** What a terminal can show: bits of colour, as `getColorDepth` of Node gives them; 1 is none. */
export type ColourDepth = 1 | 4 | 8 | 24;

const reset = '\u001B[0m';

/** A cell of `width` columns in the colour `#rrggbb`; where there are no colours, letters that differ as colours do. */
export function swatch(hex: string, width: number, depth: ColourDepth): string {
  const [red, green, blue] = channels(hex);
  switch (depth) {
    case 24:
      return `\u001B[48;2;${red};${green};${blue}m${' '.repeat(width)}${reset}`;
    case 8:
      return `\u001B[48;5;${cubeIndex(red, green, blue)}m${' '.repeat(width)}${reset}`;
    case 4:
      return `\u001B[${brightness(red, green, blue) > 127 ? 100 + bits(red, green, blue) : 40 + bits(red, green, blue)}m${lettersOf(hex, width)}${reset}`;
    default:
      return lettersOf(hex, width);
  }
}

/** The depth for a stream that may be no terminal. */
export function depthOf(stream: { readonly isTTY?: boolean; getColorDepth?(): number }, off: boolean): ColourDepth {
  if (off || stream.isTTY !== true || stream.getColorDepth === undefined) return 1;
  const depth = stream.getColorDepth();
  return depth >= 24 ? 24 : depth >= 8 ? 8 : depth >= 4 ? 4 : 1;
}

function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}

/** The nearest of the 6 × 6 × 6 colours that follow the sixteen named ones. */
function cubeIndex(red: number, green: number, blue: number): number {
  const step = (channel: number): number => Math.round((channel / 255) * 5);
  return 16 + 36 * step(red) + 6 * step(green) + step(blue);
}

function bits(red: number, green: number, blue: number): number {
  return (red > 127 ? 1 : 0) + (green > 127 ? 2 : 0) + (blue > 127 ? 4 : 0);
}

function brightness(red: number, green: number, blue: number): number {
  return (red + green + blue) / 3;
}

/** Letters from a hash of the colour: the same colour gives the same letters, another one almost surely others. */
function lettersOf(hex: string, width: number): string {
  let hash = 0x811c9dc5;
  for (const letter of hex) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  let text = '';
  for (let index = 0; index < width; index++) {
    text += String.fromCharCode(65 + (((hash >>> (index * 5)) & 0x1f) % 26));
  }
  return text;
}
