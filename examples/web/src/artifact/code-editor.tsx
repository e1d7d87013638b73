import { javascript } from '@codemirror/lang-javascript';
import { json } from '@codemirror/lang-json';
import { markdown } from '@codemirror/lang-markdown';
import { python } from '@codemirror/lang-python';
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useEffectEvent, useRef } from 'react';
import { highlighting } from './highlighting.ts';

interface CodeEditorProps {
  value: string;
  /** `code` guesses between Python and JavaScript. */
  language: 'code' | 'markdown' | 'json' | 'text';
  label: string;
  /** Without it, the text cannot be edited. */
  onChange?: (value: string) => void;
  /** Shows what has changed since this text. */
  original?: string;
}

/** CodeMirror, for reading, editing and comparing. */
export function CodeEditor({ value, language, label, onChange, original }: CodeEditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const changed = useEffectEvent((text: string) => onChange?.(text));
  const isEditable = onChange !== undefined;
  const extensionFor = useEffectEvent(() => languageOf(language, value));

  useEffect(() => {
    const editor = new EditorView({
      parent: parent.current!,
      doc: value,
      extensions: [
        basicSetup,
        highlighting,
        extensionFor(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorState.readOnly.of(!isEditable),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && isEditable) changed(update.state.doc.toString());
        }),
        original === undefined ? [] : unifiedMergeView({ original, mergeControls: false, gutter: true }),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
    // The value is the initial text. The next effect follows it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isEditable, label, original]);

  // A document that is being written grows.
  useEffect(() => {
    const editor = view.current;
    if (!editor || isEditable || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value, isEditable]);

  return <div className="code-editor" ref={parent} />;
}

function languageOf(language: CodeEditorProps['language'], text: string): Extension {
  if (language === 'markdown') return markdown();
  if (language === 'json') return json();
  if (language === 'text') return [];
  const isPython = /^\s*(?:def |import \w+\s*$|from \w+ import|print\()/m.test(text);
  return isPython ? python() : javascript({ typescript: true, jsx: true });
}
