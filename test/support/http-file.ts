/** A request of an `.http` file, with its variables still in it. */
interface FileRequest {
  title: string;
  name?: string;
  text: string;
}

export interface FileAnswer {
  title: string;
  line: string;
  status: number;
  text: string;
}

/** Sends all requests of an `.http` file, as editors do: variables, named requests, and answers in later requests. */
export async function runHttpFile(source: string, variables: Record<string, string>): Promise<FileAnswer[]> {
  const answers: FileAnswer[] = [];
  const bodies = new Map<string, unknown>();
  const fill = (text: string) =>
    text.replaceAll(/\{\{([^}]+)\}\}/g, (_, expression: string) => {
      const [, name, path] = /^(\w+)\.response\.body\.(.+)$/.exec(expression) ?? [];
      const value = name === undefined ? variables[expression] : at(bodies.get(name), path ?? '');
      if (value === undefined) throw new Error(`${expression} has no value`);
      return typeof value === 'string' ? value : JSON.stringify(value);
    });
  for (const { title, name, text } of requestsOf(source)) {
    const [head = '', ...rest] = fill(text).split(/\n\n/);
    const [line = '', ...fields] = head.split('\n');
    const [method, url = ''] = line.split(' ');
    const headers = Object.fromEntries(
      fields.map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).trim()]),
    );
    const body = rest.join('\n\n').trim();
    const response = await fetch(url, { method, headers, body: body === '' ? undefined : body });
    const received = await response.text();
    answers.push({ title, line, status: response.status, text: received });
    if (name !== undefined) bodies.set(name, JSON.parse(received));
  }
  return answers;
}

function requestsOf(source: string): FileRequest[] {
  return source
    .split(/^###/m)
    .slice(1)
    .map((block) => {
      const [title = '', ...lines] = block.split('\n');
      const name = lines.map((line) => /^# @name (\w+)$/.exec(line)?.[1]).find(Boolean);
      const text = lines.filter((line) => !line.startsWith('#')).join('\n');
      return { title: title.trim(), name, text: text.trim() };
    });
}

/** The value at a path such as `items[0].id`. */
function at(value: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], value);
}
