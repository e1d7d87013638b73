import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { type GithubDouble, startGithubDouble } from '../doubles/github/github-double.js';
import { type McpDouble, startMcpDouble } from '../doubles/github/mcp-double.js';
import { startBrowser, watchConsole } from './browser.js';
import { PASSWORD } from './embedded-server.js';
import { FilesServer } from './files-server.js';
import { freePort } from './free-port.js';
import { type OwnOrigin, serveOnOwnOrigin } from './web-client.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface WalkParts {
  server: FilesServer;
  github: GithubDouble;
  mcp: McpDouble;
  origin: OwnOrigin;
  browser: Browser;
}

/** A person in front of the web client, which is on another origin than the server. */
export class WebWalk {
  readonly server: FilesServer;
  readonly github: GithubDouble;
  readonly mcp: McpDouble;
  readonly origin: OwnOrigin;
  readonly page: Page;
  /** What the console says that it should not. */
  readonly complaints: string[];
  private readonly browser: Browser;

  private constructor(parts: WalkParts, page: Page) {
    this.server = parts.server;
    this.github = parts.github;
    this.mcp = parts.mcp;
    this.origin = parts.origin;
    this.browser = parts.browser;
    this.page = page;
    this.complaints = watchConsole(page);
  }

  static async start(): Promise<WebWalk> {
    const [github, mcp, port, apiPort] = await Promise.all([
      startGithubDouble(),
      startMcpDouble(),
      freePort(),
      freePort(),
    ]);
    const [server, origin, browser] = await Promise.all([
      FilesServer.start({
        PORT: String(apiPort),
        CORS_ORIGINS: `http://127.0.0.1:${port}`,
        GITHUB_API_URL: github.url,
      }),
      serveOnOwnOrigin('examples/web', port, { VITE_API_URL: `http://127.0.0.1:${apiPort}` }),
      startBrowser(),
    ]);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(30_000);
    return new WebWalk({ server, github, mcp, origin, browser }, page);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await Promise.all([this.origin.close(), this.server.stop(), this.github.close(), this.mcp.close()]);
  }

  /** Opens a page of the client by its path. */
  async open(path: string): Promise<void> {
    await this.page.goto(`${this.origin.url}/#${path}`);
  }

  /** A page of somebody else. */
  async another(): Promise<Page> {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.once('close', () => void context.close());
    return page;
  }

  async signUp(email: string, page = this.page): Promise<void> {
    await page.goto(this.origin.url);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'What can I help you with?' }).waitFor();
  }

  async newChat(): Promise<void> {
    await this.page.getByRole('button', { name: 'New chat' }).click();
    await this.page.getByRole('heading', { name: 'What can I help you with?' }).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send', exact: true }).click();
  }

  /** The newest answer. */
  answer(): Locator {
    return this.page.getByRole('article', { name: 'Assistant' }).last();
  }

  /** Waits until nothing is being written. */
  async settled(): Promise<void> {
    await this.page.getByRole('button', { name: 'Send', exact: true }).waitFor();
  }

  /** What a checker of accessibility finds in the present view, in both themes, and what does not fit a phone. */
  async faults(): Promise<string[]> {
    const found: string[] = [];
    // Between the themes, only the colors differ.
    const rules = { light: '', dark: `{ runOnly: ['color-contrast'] }` };
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await this.page.evaluate(AXE);
      const { violations } = await this.page.evaluate<AxeResults>(`axe.run(${rules[colorScheme]})`);
      for (const { id, nodes } of violations) {
        found.push(
          ...nodes.map(({ html, failureSummary }) => `${colorScheme} ${id}: ${html} ${failureSummary}`),
        );
      }
    }
    return [...found, ...(await this.overflows())];
  }

  /** Whether the page scrolls sideways on a phone. */
  private async overflows(): Promise<string[]> {
    const size = this.page.viewportSize()!;
    await this.page.setViewportSize({ width: 375, height: 720 });
    const tooWide = await this.page.evaluate<string[]>(`
      [document.documentElement, document.getElementById('main')]
        .filter((element) => element && element.scrollWidth > innerWidth)
        .flatMap((element) => [...element.querySelectorAll('*')])
        .filter((element) => element.getBoundingClientRect().right > innerWidth)
        .map((element) => 'does not fit a phone: ' + element.tagName + '.' + element.getAttribute('class'))`);
    await this.page.setViewportSize(size);
    return tooWide;
  }
}
