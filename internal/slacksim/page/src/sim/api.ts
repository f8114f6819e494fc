// The simulator's JSON API, as internal/slacksim/doc.go describes it: the shapes
// that this page reads and one function per call. Every call acts as one person.

export type Role = 'analyst' | 'reviewer' | 'admin' | 'guest' | 'bot'

export interface User {
  id: string
  name: string
  real_name: string
  role: Role
  title?: string
  is_bot: boolean
  is_admin?: boolean
  is_restricted: boolean
  deleted: boolean
  tz: string
  color: string
}

export interface Channel {
  id: string
  name: string
  kind: 'channel' | 'im'
  is_private: boolean
  is_ext_shared: boolean
  topic?: string
  user?: string
  members: string[]
  unread: number
  mentions?: number
  latest?: string // ts of what was said last, and
  thread?: string // the thread that it stands in
}

export interface Command {
  command: string
  description: string
  usage_hint: string
}

export interface Shortcut {
  name: string
  type: 'global' | 'message'
  callback_id: string
  description: string
}

export interface SlackApp {
  id: string
  name: string
  bot_user: string
  connected: boolean
  sockets: number
  home?: boolean
  assistant?: boolean
  commands: Command[]
  shortcuts?: Shortcut[]
}

export interface State {
  team: { id: string; name: string; domain: string }
  me?: User
  users: User[]
  channels: Channel[]
  apps: SlackApp[]
}

export interface SlackFile {
  id: string
  name: string
  title: string
  mimetype: string
  filetype: string
  size: number
  alt_txt?: string
  user?: string
  url: string
  is_image: boolean
  width?: number
  height?: number
  preview?: string
  preview_truncated?: boolean
  deleted?: boolean
}

// Block Kit is open-ended: what this page does not know it must still be able to
// name, so blocks and elements stay loosely typed and are narrowed where drawn.
export type Block = { type: string; block_id?: string; [key: string]: any }
export type Element = { type: string; action_id?: string; [key: string]: any }

export interface TextObject {
  type: 'plain_text' | 'mrkdwn'
  text: string
  emoji?: boolean
  verbatim?: boolean
}

export interface Attachment {
  color?: string
  fallback?: string
  pretext?: string
  title?: string
  title_link?: string
  text?: string
  footer?: string
  fields?: { title: string; value: string; short?: boolean }[]
  blocks?: Block[]
}

export interface Message {
  channel?: string
  ts: string
  user?: string
  bot_id?: string
  app_id?: string
  username?: string
  subtype?: string
  text: string
  blocks: Block[]
  attachments: Attachment[]
  files: SlackFile[]
  thread_ts?: string
  reply_count?: number
  reply_users?: string[]
  latest_reply?: string
  edited?: { user: string; ts: string }
  ephemeral?: boolean
  reactions?: { name: string; users: string[]; count: number }[]
  assistant_app_thread?: Chat
}

// Chat is what the first message of a thread of the assistant view has beside its words.
export interface Chat {
  title: string
  asks?: string
  prompts: { title: string; message: string }[] | null
}

export interface View {
  id: string
  type: 'modal' | 'home'
  title?: TextObject
  submit?: TextObject | null
  close?: TextObject | null
  blocks: Block[]
  callback_id?: string
  hash?: string
  depth?: number
}

export interface LogEntry {
  n: number
  at: string
  direction: 'api' | 'envelope' | 'ack' | 'socket'
  name: string
  ok: boolean
  error?: string
  ms: number
  detail?: string
}

export type Values = Record<string, Record<string, Record<string, unknown>>>
export type Source = { message_ts: string } | { view_id: string }

// Refusal is the simulator's "no": code for the program, message for the person.
export class Refusal extends Error {
  constructor(readonly code: string, message: string) {
    super(message)
  }
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T
  let code = `http_${response.status}`
  let message = `The simulator answered ${response.status}.`
  try {
    const body = (await response.json()) as { error?: string; message?: string }
    code = body.error ?? code
    message = body.message ?? message
  } catch {
    // Not JSON: the status says what there is to say.
  }
  throw new Refusal(code, message)
}

async function get<T>(path: string, query: Record<string, string | number | undefined>): Promise<T> {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return answer<T>(await fetch(`/sim/${path}?${search}`, { cache: 'no-store' }))
}

async function post<T = { ok: boolean }>(path: string, body: unknown): Promise<T> {
  const headers = { 'Content-Type': 'application/json', 'X-Slacksim': '1' }
  return answer<T>(await fetch(`/sim/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }))
}

async function send<T>(path: string, form: Record<string, string | File>): Promise<T> {
  const body = new FormData()
  for (const [key, value] of Object.entries(form)) body.append(key, value)
  return answer<T>(await fetch(`/sim/${path}`, { method: 'POST', headers: { 'X-Slacksim': '1' }, body }))
}

export const sim = {
  state: (as?: string) => get<State>('state', { as }),
  messages: (as: string, channel: string, thread?: string) =>
    get<{ messages: Message[] }>('messages', { as, channel, thread }).then((r) => r.messages ?? []),
  view: (as: string) => get<{ view: View | null }>('view', { as }).then((r) => r.view),
  home: (as: string) => get<{ view: View | null }>('home', { as }).then((r) => r.view),
  openHome: (as: string) => post('home/open', { as }),
  command: (as: string, channel: string, text: string) => post('command', { as, channel, text }),
  post: (as: string, channel: string, text: string, files: string[], thread_ts?: string) =>
    post<{ ok: boolean; ts: string }>('message', { as, channel, text, files, thread_ts }),
  deleteMessage: (as: string, channel: string, ts: string) => post('message/delete', { as, channel, ts }),
  upload: (as: string, file: File) => send<{ file: SlackFile }>('upload', { as, file }).then((r) => r.file),
  deleteFile: (as: string, file: string) => post('file/delete', { as, file }),
  replaceFile: (as: string, id: string, file: File) => send<{ file: SlackFile }>('file/replace', { as, id, file }),
  act: (as: string, channel: string | undefined, source: Source, action: object, values: Values) =>
    post('action', { as, channel, ...source, action, state: { values } }),
  submit: (as: string, view_id: string, values: Values) =>
    post<{ ok: boolean; errors?: Record<string, string> }>('view/submit', { as, view_id, state: { values } }),
  close: (as: string, view_id: string, clear = false) => post('view/close', { as, view_id, clear }),
  shortcut: (as: string, callback_id: string, channel?: string, message_ts?: string) =>
    post('shortcut', { as, callback_id, channel, message_ts }),
  chat: (as: string, channel?: string) => post<{ channel: string; ts: string }>('chat', { as, channel }),
  read: (as: string, channel: string) => post('read', { as, channel }),
  log: (after: number) => get<{ entries: LogEntry[]; next: number }>('log', { after, limit: 400 }),
  faults: (faults: object) => post('faults', faults),
}

// fileURL is where an identity reads a file's bytes.
export function fileURL(id: string, as: string, download = false): string {
  return `/sim/files/${encodeURIComponent(id)}?as=${encodeURIComponent(as)}${download ? '&download=1' : ''}`
}
