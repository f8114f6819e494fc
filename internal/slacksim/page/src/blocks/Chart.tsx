// Slack's chart block, drawn by slack-blocks-to-jsx. That renderer reads every
// text as Markdown and can swallow some of it, so it draws nothing else here.
import { Message, type Block as TheirBlock } from 'slack-blocks-to-jsx'
import 'slack-blocks-to-jsx/dist/style.css'
import type { Block } from '../sim/api'

const dark = matchMedia('(prefers-color-scheme: dark)')

export default function Chart({ block }: { block: Block }) {
  return (
    <div className="chart">
      <Message blocks={[block as unknown as TheirBlock]} logo="" name="" withoutWrapper theme={dark.matches ? 'dark' : 'light'} />
    </div>
  )
}
