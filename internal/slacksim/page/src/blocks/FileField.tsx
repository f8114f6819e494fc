// file_input: files go up at once and are handed over with the form.
import { useRef, useState, type DragEvent } from 'react'
import { sim, type SlackFile } from '../sim/api'
import { Icon } from '../parts/Icon'
import { useWorkspace } from '../sim/workspace'
import { bytes } from '../panes/Files'
import { testid, type ElementProps } from './Interactive'
import { useSurface, useValue } from './surface'
import { place, type Value } from './values'

export function FileField({ block, element, describedBy, invalid }: ElementProps) {
  const { as, notify, attempt } = useWorkspace()
  const surface = useSurface()
  const [value] = useValue(block, element)
  const [known, setKnown] = useState<Record<string, SlackFile>>({})
  const [busy, setBusy] = useState(0)
  const [over, setOver] = useState(false)
  const chooser = useRef<HTMLInputElement>(null)
  const held = (value?.files as string[]) ?? []
  const latest = useRef(held)
  latest.current = held
  const most: number = element.max_files ?? 10
  const kinds: string[] = element.filetypes ?? []
  const put = (files: string[]) => {
    latest.current = files
    surface.set(block, element, { type: element.type, files } as Value)
  }
  const add = async (files: Iterable<File>) => {
    for (const file of files) {
      const kind = file.name.split('.').pop()?.toLowerCase() ?? ''
      if (kinds.length > 0 && !kinds.includes(kind)) {
        notify(`${file.name} is not accepted here; use ${kinds.join(', ')}.`)
        continue
      }
      if (latest.current.length >= most) {
        notify(`At most ${most === 1 ? 'one file' : `${most} files`} can be added here.`)
        break
      }
      setBusy((n) => n + 1)
      await attempt(
        sim.upload(as, file).then((up) => {
          setKnown((now) => ({ ...now, [up.id]: up }))
          put([...latest.current, up.id])
        }),
      )
      setBusy((n) => n - 1)
    }
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void add(event.dataTransfer.files)
  }
  return (
    <div
      className={`file-field${over ? ' over' : ''}`}
      key={place(block, element)}
      data-testid={testid(element)}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        ref={chooser}
        type="file"
        hidden
        data-testid={`${testid(element)}-chooser`}
        multiple={most > 1}
        accept={kinds.length > 0 ? kinds.map((k) => `.${k}`).join(',') : undefined}
        onChange={(event) => {
          void add([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
      {held.map((id) => (
        <div key={id} className="chip">
          <Icon name="file" size={16} />
          <span>{known[id]?.name ?? id}</span>
          {known[id] && <span className="quiet">{bytes(known[id].size)}</span>}
          <button type="button" className="icon-button" aria-label={`Remove ${known[id]?.name ?? 'file'}`} onClick={() => put(held.filter((f) => f !== id))}>
            <Icon name="close" size={13} />
          </button>
        </div>
      ))}
      {held.length < most && (
        <button type="button" className="button" aria-describedby={describedBy} aria-invalid={invalid || undefined} disabled={busy > 0} onClick={() => chooser.current?.click()}>
          <Icon name="clip" size={16} /> {busy > 0 ? 'Uploading…' : most > 1 ? 'Add files' : 'Add a file'}
        </button>
      )}
      {held.length < most && <span className="quiet">or drop {most > 1 ? 'them' : 'it'} here{kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}</span>}
    </div>
  )
}
