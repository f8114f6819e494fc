// The markdown block: standard Markdown. Raw HTML stays text, pictures become
// links (as in Slack), and code is drawn like every other code.
import ReactMarkdown from 'react-markdown'
import gfm from 'remark-gfm'
import { Link } from '../text/Text'
import { Code } from './Code'

export default function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown
        remarkPlugins={[gfm]}
        components={{
          a: ({ href, children }) => <Link url={href ?? ''}>{children}</Link>,
          img: ({ src, alt }) => <Link url={typeof src === 'string' ? src : ''}>{alt || src}</Link>,
          pre: ({ children }) => <>{children}</>,
          code: ({ className, children }) => {
            const source = String(children)
            if (!className && !source.includes('\n')) return <code>{children}</code>
            return <Code text={source.replace(/\n$/, '')} language={/language-(\w+)/.exec(className ?? '')?.[1]} />
          },
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}
