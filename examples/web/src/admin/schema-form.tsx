import { useId, useState } from 'react';
import type { JsonObject, JsonValue } from '../api/types.ts';
import { controlOf, type JsonSchema, labelOf, resolveSchema, withValue } from './json-schema.ts';

interface FieldProps {
  name: string;
  schema: JsonSchema;
  root: JsonSchema;
  value: JsonValue | undefined;
  isRequired: boolean;
  onChange: (value: JsonValue | undefined) => void;
}

interface SchemaFormProps {
  schema: JsonSchema;
  root?: JsonSchema;
  value: JsonObject;
  onChange: (value: JsonObject) => void;
}

/** The fields of an object, from its JSON Schema. The server checks what they contain. */
export function SchemaForm({ schema, root = schema, value, onChange }: SchemaFormProps) {
  const { properties = {}, required = [] } = schema;
  return (
    <div className="schema-form">
      {Object.entries(properties).map(([name, field]) => (
        <Field
          key={name}
          name={name}
          schema={resolveSchema(field, root)}
          root={root}
          value={value[name]}
          isRequired={required.includes(name)}
          onChange={(next) => onChange(withValue(value, name, next))}
        />
      ))}
    </div>
  );
}

function Field(props: FieldProps) {
  const { name, schema, root, value, onChange } = props;
  if (controlOf(schema) === 'group') {
    return (
      <details className="schema-group" open={value !== undefined && value !== null}>
        <summary>{labelOf(name)}</summary>
        {schema.description && <p className="hint">{schema.description}</p>}
        <SchemaForm schema={schema} root={root} value={(value ?? {}) as JsonObject} onChange={onChange} />
      </details>
    );
  }
  return <LabeledField {...props} />;
}

function LabeledField(props: FieldProps) {
  const { name, schema } = props;
  const id = useId();
  const hint = schema.description ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{labelOf(name)}</label>
      <Input {...props} id={id} describedBy={hint} />
      {hint && (
        <p className="hint" id={hint}>
          {schema.description}
        </p>
      )}
    </div>
  );
}

type InputProps = FieldProps & { id: string; describedBy: string | undefined };

function Input(props: InputProps) {
  const { schema, value, onChange, isRequired, id, describedBy } = props;
  const common = { id, 'aria-describedby': describedBy };
  const text = typeof value === 'string' ? value : '';
  const changeText = (next: string) => onChange(next === '' && !isRequired ? undefined : next);
  switch (controlOf(schema)) {
    case 'long-text':
      return (
        <textarea {...common} rows={8} value={text} onChange={(event) => changeText(event.target.value)} />
      );
    case 'text':
      return <input {...common} value={text} onChange={(event) => changeText(event.target.value)} />;
    case 'number':
      return (
        <input
          {...common}
          type="number"
          step="any"
          min={schema.minimum}
          max={schema.maximum}
          value={typeof value === 'number' ? value : ''}
          onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.valueAsNumber)}
        />
      );
    case 'flag':
      return <Choice {...props} choices={[true, false]} />;
    case 'choice':
      return <Choice {...props} choices={schema.enum ?? []} />;
    default:
      return <JsonInput {...props} />;
  }
}

const WORDS = new Map<JsonValue, string>([
  [true, 'Yes'],
  [false, 'No'],
]);

function Choice({
  value,
  choices,
  isRequired,
  onChange,
  id,
  describedBy,
}: InputProps & { choices: JsonValue[] }) {
  const index = choices.findIndex((choice) => choice === value);
  return (
    <select
      id={id}
      aria-describedby={describedBy}
      value={index}
      onChange={(event) => onChange(choices[Number(event.target.value)])}
    >
      {(!isRequired || index < 0) && <option value={-1}>Not set</option>}
      {choices.map((choice, position) => (
        <option key={position} value={position}>
          {WORDS.get(choice) ?? (typeof choice === 'string' ? choice : JSON.stringify(choice))}
        </option>
      ))}
    </select>
  );
}

function JsonInput({ value, onChange, isRequired, id, describedBy }: InputProps) {
  const [text, setText] = useState(() => (value === undefined ? '' : JSON.stringify(value, null, 2)));
  const [isInvalid, setIsInvalid] = useState(false);
  return (
    <textarea
      id={id}
      className="json"
      aria-describedby={describedBy}
      aria-invalid={isInvalid}
      rows={Math.min(14, text.split('\n').length + 1)}
      value={text}
      spellCheck={false}
      onChange={(event) => {
        const next = event.target.value;
        setText(next);
        if (next.trim() === '' && !isRequired) {
          setIsInvalid(false);
          return onChange(undefined);
        }
        try {
          onChange(JSON.parse(next) as JsonValue);
          setIsInvalid(false);
        } catch {
          setIsInvalid(true);
        }
      }}
    />
  );
}
