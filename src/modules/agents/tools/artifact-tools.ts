import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { tool, type ToolSet } from 'ai';
import { z } from 'zod';
import type { Identity } from '../../../common/auth/identity.js';
import { DocumentsService } from '../../documents/documents.service.js';
import type { DocumentDto } from '../../documents/dto/document.dto.js';
import type { Admission, FurtherCall } from '../../rate-limit/admission.js';
import { answerOf } from '../../models/fallback/fallback.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { toStorableText } from '../../../common/database/stored-json.js';
import type { Emit, Note } from '../agent.js';
import { CONTENT_CHUNK } from './document-draft.js';
import { documentEdits, editContent } from './document-edits.js';
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  updateInstructions,
  writingInstructions,
} from './document-prompts.js';
import { DocumentWriter, remaining } from './document-writer.js';
import { ImageMaker } from './image-maker.js';
import { SuggestionWriter } from './suggestion-writer.js';
import { failedWork } from './unfinished-work.js';

/** What the tools of one answer need. */
export interface ArtifactContext {
  identity: Identity;
  model: SelectedModel;
  emit: Emit;
  note: Note;
  /** Reserves the calls that the tools make. */
  admission?: Admission;
}

export type ArtifactToolName = 'createDocument' | 'updateDocument' | 'requestSuggestions';

const title = z.string().overwrite(toStorableText).min(1).max(200);
const id = z.uuid().describe('The id of the document');

/**
 * The tools of the artifact agent. A separate call writes the content of a document, so that the content streams
 * directly and not inside the JSON of a tool. Small changes are made by edits, without a call. A version is stored when
 * it is complete.
 */
@Injectable()
export class ArtifactTools {
  constructor(
    private readonly documents: DocumentsService,
    private readonly writer: DocumentWriter,
    private readonly images: ImageMaker,
    private readonly suggestions: SuggestionWriter,
  ) {}

  /** The tools that the configuration enables. */
  forAnswer(context: ArtifactContext, names: readonly string[]): ToolSet {
    const all: Record<ArtifactToolName, ToolSet[string]> = {
      createDocument: this.createDocument(context),
      updateDocument: this.updateDocument(context),
      requestSuggestions: this.requestSuggestions(context),
    };
    return oneAfterAnother(Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))));
  }

  private createDocument(context: ArtifactContext) {
    return tool({
      description:
        'Create a document; its content is written from the title and the description and shown to the user.',
      inputSchema: z.object({
        title,
        kind: z.enum(DOCUMENT_KINDS),
        description: z
          .string()
          .max(10_000)
          .describe('What the document is to contain, with all the user asked for'),
      }),
      execute: async (input, { abortSignal }) => {
        const heading = { id: randomUUID(), title: input.title };
        const document = await this.make(context, input.kind, {
          heading,
          instructions: (kind) => writingInstructions(kind),
          prompt: `${input.title}\n\n${input.description}`,
          signal: abortSignal,
          store: (content) =>
            this.documents.create(context.identity, { ...heading, kind: input.kind, content }),
        });
        transient(context.emit, 'data-finish', null);
        return {
          ...heading,
          kind: input.kind,
          version: document.createdAt,
          content: 'The document was created and is shown to the user.',
        };
      },
    });
  }

  private updateDocument(context: ArtifactContext) {
    return tool({
      description:
        'Change a document; the rest of it stays as it is, and a new version is stored. For small changes of texts, code ' +
        'and sheets give edits beside the description: they are made as they stand, at once. For large changes, and for ' +
        'images, give the description alone: the document is rewritten by it.',
      inputSchema: z.object({
        id,
        description: z
          .string()
          .min(1)
          .max(10_000)
          .describe(
            'What is to be changed, all of it: the document is rewritten by this when an edit does not fit',
          ),
        edits: documentEdits.optional().describe('For small changes: replacements, made one after the other'),
      }),
      execute: async ({ id, description, edits = [] }, { abortSignal }) => {
        const latest = await this.documents.read(context.identity, id);
        if (latest.kind === 'image' || edits.length === 0) {
          return this.rewrite(context, latest, description, abortSignal);
        }
        const edited = editContent(latest.kind, latest.content, edits);
        return 'content' in edited
          ? this.storeEdited(context, latest, edited.content, abortSignal)
          : this.rewrite(context, latest, description, abortSignal, edited.problem);
      },
    });
  }

  /** Sends the content only when it is complete, so that readers never see content that could not be stored. */
  private async storeEdited(
    { identity, emit }: ArtifactContext,
    latest: DocumentDto,
    content: string,
    signal: AbortSignal | undefined,
  ) {
    const { id, title, kind } = latest;
    signal?.throwIfAborted();
    const document = await this.documents.addVersion(identity, id, {
      content,
      baseVersion: latest.createdAt,
    });
    announce(emit, { id, title }, kind);
    transient(emit, CONTENT_CHUNK[kind], content);
    transient(emit, 'data-finish', null);
    return {
      id,
      title,
      kind,
      version: document.createdAt,
      changedBy: 'edits',
      content: 'The edits were made; the document is shown to the user.',
    };
  }

  /** @param problem why the requested edits could not be made */
  private async rewrite(
    context: ArtifactContext,
    latest: DocumentDto,
    description: string,
    signal: AbortSignal | undefined,
    problem?: string,
  ) {
    const heading = { id: latest.id, title: latest.title };
    const baseVersion = latest.createdAt;
    const document = await this.make(context, latest.kind, {
      heading,
      instructions: (kind) => updateInstructions(kind, latest.content),
      prompt: description,
      previous: latest.content,
      signal,
      // A version that someone wrote meanwhile must not be overwritten silently.
      store: (content) => this.documents.addVersion(context.identity, latest.id, { content, baseVersion }),
    });
    transient(context.emit, 'data-finish', null);
    return {
      ...heading,
      kind: latest.kind,
      version: document.createdAt,
      changedBy: 'rewriting',
      content:
        problem === undefined
          ? 'The document was rewritten as described and is shown to the user.'
          : `The edits were not made: ${problem} The document was rewritten as described instead, and is shown to the user.`,
    };
  }

  private requestSuggestions(context: ArtifactContext) {
    return tool({
      description: 'Suggest improvements of a text or code document; the user accepts or dismisses each.',
      inputSchema: z.object({ id }),
      execute: async (input, { abortSignal }) => {
        const { identity, model, admission } = context;
        const task = { identity, model, documentId: input.id, signal: abortSignal };
        const read = await this.suggestions.read(task);
        const suggestions = await answerOf(model, { signal: abortSignal, admission }, (asked) => {
          const work = { ...read, model: asked };
          return reserving(admission, {
            costs: () => this.suggestions.expectedCost(work),
            ownKey: asked.ownKey,
            what: 'making suggestions',
            make: (room) => this.suggestions.suggest({ ...work, room }),
          });
        });
        for (const suggestion of suggestions) transient(context.emit, 'data-suggestion', suggestion);
        return {
          id: input.id,
          count: suggestions.length,
          content: 'The suggestions were added and are shown to the user.',
        };
      },
    });
  }

  /** A version of a document. Readers learn of it when it is certain that it may be written. */
  private make(
    { model, emit, note, admission }: ArtifactContext,
    kind: DocumentKind,
    task: {
      heading: { id: string; title: string };
      instructions: (kind: Exclude<DocumentKind, 'image'>) => string;
      prompt: string;
      /** The earlier content of the document. */
      previous?: string;
      signal: AbortSignal | undefined;
      store: (content: string) => Promise<DocumentDto>;
    },
  ): Promise<DocumentDto> {
    const { heading, prompt, previous, signal = new AbortController().signal, store } = task;
    if (kind === 'image') {
      const drawing = { model, title: heading.title, prompt, previous };
      // Without an image model, it fails before readers are told that a picture will come.
      const { ownKey, ...costs } = this.images.expectedCost(drawing);
      return reserving(admission, {
        costs: () => costs,
        ownKey,
        what: 'generating an image',
        make: () => {
          announce(emit, heading, kind);
          return this.images.make({ ...drawing, signal, emit, store });
        },
      });
    }
    const instructions = task.instructions(kind);
    const failureOf = (error: unknown, failed: SelectedModel) =>
      failedWork(error, failed, remaining({ previous }));
    return answerOf(model, { signal, admission, failureOf }, (asked, attempt) => {
      const writing = { model: asked, instructions, prompt, previous };
      return reserving(admission, {
        costs: () => this.writer.expectedCost(writing),
        ownKey: asked.ownKey,
        what: 'writing a document',
        make: (room) => {
          announce(emit, heading, kind);
          return this.writer.write({ ...writing, kind, heading, signal, emit, note, store, attempt, room });
        },
      });
    });
  }
}

/**
 * Models call several tools at once. Without this queue, their documents would be mixed in the single stream of the
 * readers, and changes of the same document would look like conflicts.
 */
function oneAfterAnother(tools: ToolSet): ToolSet {
  let last: Promise<unknown> = Promise.resolve();
  const queued = ({ execute, ...rest }: ToolSet[string]) => ({
    ...rest,
    execute: (...call: Parameters<NonNullable<typeof execute>>): Promise<unknown> => {
      const result = last.then((): unknown => execute?.(...call));
      last = result.catch(() => undefined);
      return result;
    },
  });
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, queued(tool)]));
}

/** @throws AppError if the budget of the turn does not allow it, and the error of the call */
function reserving<T>(admission: Admission | undefined, call: FurtherCall<T>): Promise<T> {
  return admission ? admission.reserving(call) : call.make();
}

function announce(emit: Emit, { id, title }: { id: string; title: string }, kind: DocumentKind): void {
  transient(emit, 'data-kind', kind);
  transient(emit, 'data-id', id);
  transient(emit, 'data-title', title);
  transient(emit, 'data-clear', null);
}

function transient(emit: Emit, type: `data-${string}`, data: unknown): void {
  emit({ type, data, transient: true });
}
