import { spawn } from 'node:child_process';

/**
 * Shows a URL in the user's browser, if this system has a way to do that. The URL may hold a token in its fragment,
 * which other users of the machine could read in the list of processes: then it is not handed on.
 */
export function openBrowser(url: string): boolean {
  if (url.includes('#token=')) return false;
  const opener = { darwin: 'open', win32: 'explorer', linux: 'xdg-open' }[process.platform as 'darwin'];
  if (opener === undefined || (process.platform === 'linux' && !hasDisplay())) return false;
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {}); // no such opener: the URL has been printed
  child.unref();
  return true;
}

function hasDisplay(): boolean {
  return (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== '';
}
