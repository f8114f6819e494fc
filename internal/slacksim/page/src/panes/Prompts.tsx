// What an app suggests to be asked in a chat, until somebody has written there.
import type { Chat } from '../sim/api'

export function Prompts({ chat, say }: { chat: Chat; say(text: string): void }) {
  if (!chat.prompts?.length) return null
  return (
    <div className="prompts" role="group" aria-label={chat.asks ?? 'Suggestions'} data-testid="prompts">
      {chat.asks && <p>{chat.asks}</p>}
      {chat.prompts.map((prompt, i) => (
        <button key={prompt.title} type="button" className="button" data-testid={`prompt-${i}`} title={prompt.message} onClick={() => say(prompt.message)}>
          {prompt.title}
        </button>
      ))}
    </div>
  )
}
