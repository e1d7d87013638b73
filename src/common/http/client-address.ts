import { isIP, isIPv4 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const NETWORK_GROUPS = 4;

/**
 * The key for counting requests of one client. For IPv6 it is the 64-bit network, because every client can choose from
 * at least that many addresses.
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
 * The address that a request is counted by. A trusted proxy passes on the client's `X-Forwarded-For`, so text that is
 * not an address must not become a key.
 */
export function clientAddressOf(request: { ip: string; socket: { remoteAddress?: string } }): string {
  return networkOf(isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? '') : request.ip);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}
