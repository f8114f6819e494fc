// Where a person writes: commands, mentions and files. Enter sends, Shift+Enter
// makes a new line.
import { useEffect, useId, useLayoutEffect, useRef, useState, type DragEvent, type KeyboardEvent } from 'react'
import { Refusal, sim, type SlackFile } from '../sim/api'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { Menu, type Item } from '../parts/Menu'
import { useWorkspace } from '../sim/workspace'
import { encode, hint, offers, type Offer } from '../text/compose'
import { bytes } from './Files'

interface Props {
  channel: string
  thread?: string
  placeholder: string
}

// Drafts outlive switching between channels, threads and people.
const drafts = new Map<string, string>()

export function Composer({ channel, thread, placeholder }: Props) {
  const { as, state, attempt, notify } = useWorkspace()
  const key = `${as} ${channel} ${thread ?? ''}`
  const [text, setText] = useState(() => drafts.get(key) ?? '')
  const [caret, setCaret] = useState(0)
  const [at, setAt] = useState(0)
  const [hidden, setHidden] = useState(false) // the offers, after Escape
  const [files, setFiles] = useState<SlackFile[]>([])
  const [busy, setBusy] = useState(0)
  const [over, setOver] = useState(false)
  const [refused, setRefused] = useState('')
  const area = useRef<HTMLTextAreaElement>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const id = useId()
  const commands = state.apps.flatMap((app) => app.commands)
  const offered = hidden ? null : offers(text, caret, state.users, state.channels, commands)
  const usage = !offered && hint(text, commands)

  const write = (next: string, position = next.length) => {
    setText(next)
    setCaret(position)
    setAt(0)
    setHidden(false)
    setRefused('')
    drafts.set(key, next)
  }
  useLayoutEffect(() => {
    const it = area.current!
    it.style.height = 'auto'
    it.style.height = `${Math.min(it.scrollHeight, innerHeight * 0.4)}px`
  }, [text])
  useEffect(() => {
    if (thread) area.current?.focus()
  }, [thread])

  const accept = (offer: Offer) => {
    const next = text.slice(0, offered!.from) + offer.insert + text.slice(caret).replace(/^ /, '')
    const position = offered!.from + offer.insert.length
    write(next, position)
    requestAnimationFrame(() => {
      area.current?.focus()
      area.current?.setSelectionRange(position, position)
    })
  }
  const upload = async (list: Iterable<File>) => {
    for (const file of list) {
      setBusy((n) => n + 1)
      await attempt(sim.upload(as, file).then((up) => setFiles((now) => [...now, up])))
      setBusy((n) => n - 1)
    }
    area.current?.focus()
  }
  const send = async () => {
    const typed = text.trim()
    if ((!typed && files.length === 0) || busy > 0) return
    const source = encode(typed, state.users, state.channels)
    const kept = { text, files }
    const name = /^\/\S+/.exec(typed)?.[0]
    if (name && thread) return setRefused(`${name} is not supported in threads. Sorry!`)
    if (name && files.length > 0) return setRefused('A command cannot carry files. Send the files as a message.')
    write('')
    setFiles([])
    try {
      if (name) await sim.command(as, channel, source)
      else await sim.post(as, channel, source, kept.files.map((f) => f.id), thread)
    } catch (error) {
      write(kept.text)
      setFiles(kept.files)
      if (error instanceof Refusal && error.code === 'unknown_command') setRefused(`${name} is not a valid command here.`)
      else if (error instanceof Refusal) setRefused(error.message)
      else notify('The simulator does not answer; the text is kept.')
    }
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (offered) {
      const count = offered.items.length
      const chosen = offered.items[Math.min(at, count - 1)]!
      // A command that is typed in full is sent; one that is begun is completed.
      const done = offered.kind === 'command' && text.trim() === chosen.key
      if (event.key === 'ArrowDown') setAt((at + 1) % count)
      else if (event.key === 'ArrowUp') setAt((at - 1 + count) % count)
      else if ((event.key === 'Enter' && !done) || (event.key === 'Tab' && !event.shiftKey)) accept(chosen)
      else if (event.key === 'Escape') setHidden(true)
      else if (event.key === 'Enter' && !event.shiftKey) void send()
      else return
      event.preventDefault()
      event.stopPropagation()
      return
    }
    if (event.key !== 'Enter' || event.shiftKey) return
    event.preventDefault()
    void send()
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void upload([...event.dataTransfer.files])
  }
  const plus: Item[] = [
    { key: 'upload', label: 'Upload from your computer', icon: <Icon name="clip" size={16} />, testid: 'upload', run: () => chooser.current?.click() },
    ...state.apps.flatMap((app) => [
      ...(app.shortcuts ?? [])
        .filter((s) => s.type === 'global')
        .map((s) => ({ key: s.callback_id, label: s.name, detail: `${app.name}: ${s.description}`, icon: <Icon name="bolt" size={16} />, testid: `shortcut-${s.callback_id}`, run: () => void attempt(sim.shortcut(as, s.callback_id, channel)) })),
      ...(thread ? [] : app.commands.map((c) => ({ key: c.command, label: c.command, detail: c.description, icon: <Icon name="hash" size={16} />, run: () => (write(`${c.command} `), area.current?.focus()) }))),
    ]),
  ]
  const testid = thread ? 'thread-composer' : 'composer'
  return (
    <div className={`composer${over ? ' over' : ''}`} onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)} onDrop={drop}>
      {offered && (
        <div className="offers" id={`${id}-offers`} role="listbox" aria-label={offered.kind === 'command' ? 'Commands' : offered.kind === 'person' ? 'People' : 'Channels'} data-testid="offers">
          {offered.items.map((offer, i) => (
            <div key={offer.key} id={`${id}-${i}`} role="option" aria-selected={i === at} className={`offer${i === at ? ' active' : ''}`} onPointerDown={(event) => (event.preventDefault(), accept(offer))} onPointerMove={() => setAt(i)}>
              {offer.user && <Avatar user={offer.user} size={24} />}
              <span className="offer-title">{offer.title}</span>
              <span className="quiet">{offer.detail}</span>
            </div>
          ))}
          <p className="offers-foot">↑ ↓ to move, Enter or Tab to choose, Esc to close</p>
        </div>
      )}
      {usage && (
        <p className="usage" data-testid="usage">
          <strong>{usage.command}</strong> {usage.usage_hint} <span className="quiet">{usage.description}</span>
        </p>
      )}
      {refused && (
        <p className="refused" role="alert" data-testid="refused">
          <Icon name="warning" size={14} /> {refused}
        </p>
      )}
      <textarea
        ref={area}
        data-testid={testid}
        rows={1}
        aria-label={placeholder}
        aria-haspopup="listbox"
        aria-autocomplete="list"
        aria-controls={offered ? `${id}-offers` : undefined}
        aria-activedescendant={offered ? `${id}-${at}` : undefined}
        placeholder={placeholder}
        value={text}
        onChange={(event) => write(event.target.value, event.target.selectionStart)}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKey}
        onPaste={(event) => event.clipboardData.files.length > 0 && (event.preventDefault(), void upload([...event.clipboardData.files]))}
      />
      {(files.length > 0 || busy > 0) && (
        <div className="chips">
          {files.map((file) => (
            <span key={file.id} className="chip" data-testid={`upload-${file.id}`}>
              <Icon name="file" size={16} />
              <span>{file.name}</span>
              <span className="quiet">{bytes(file.size)}</span>
              <button type="button" className="icon-button" aria-label={`Remove ${file.name}`} onClick={() => setFiles((now) => now.filter((f) => f.id !== file.id))}>
                <Icon name="close" size={13} />
              </button>
            </span>
          ))}
          {busy > 0 && <span className="chip">Uploading…</span>}
        </div>
      )}
      <div className="composer-foot">
        <Menu label="Add a file, run a shortcut or a command" className="icon-button" testid={`${testid}-plus`} button={<Icon name="plus" />} items={plus} />
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          data-testid={`${testid}-files`}
          onChange={(event) => {
            void upload([...(event.target.files ?? [])])
            event.target.value = ''
          }}
        />
        <span className="quiet keys">
          <kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> new line
        </span>
        <button type="button" className="icon-button send" data-testid={`${testid}-send`} aria-label="Send" disabled={(!text.trim() && files.length === 0) || busy > 0} onClick={() => void send()}>
          <Icon name="send" />
        </button>
      </div>
    </div>
  )
}
