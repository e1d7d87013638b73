import { isIP, isIPv4 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const NETWORK_GROUPS = 4;

/**
 * What requests of one client are counted by. Of an IPv6 address this is its network of 64 bits: every client has at
 * least that many addresses to choose from.
 */
export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIPv4(address) || isIP(address) === 0) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const omitted = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(omitted).fill('0'), ...after].slice(0, NETWORK_GROUPS);
  return `${groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

/**
 * The address that a request is counted by. A proxy that is believed passes on what clients say in `x-forwarded-for`;
 * text that is no address must not become a key of its own.
 */
export function clientAddressOf(request: { ip: string; socket: { remoteAddress?: string } }): string {
  return networkOf(isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? '') : request.ip);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}
