// Files in messages: pictures big enough to read, everything else as a card.
import { useRef, useState } from 'react'
import { fileURL, sim, type SlackFile } from '../sim/api'
import { Code } from '../blocks/Code'
import { Dialog } from '../parts/Dialog'
import { Icon } from '../parts/Icon'
import { Menu, type Item } from '../parts/Menu'
import { useWorkspace } from '../sim/workspace'

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`
  const units = ['kB', 'MB', 'GB']
  let at = -1
  let value = size
  do {
    value /= 1000
    at++
  } while (value >= 999.5 && at < units.length - 1)
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ${units[at]}`
}

// Picture shows its description and opens in full size.
export function Picture({ src, alt, name, width, height }: { src: string; alt: string; name: string; width?: number; height?: number }) {
  const [large, setLarge] = useState(false)
  return (
    <>
      <button type="button" className="picture" onClick={() => setLarge(true)} aria-label={`Enlarge: ${alt || name}`}>
        <img src={src} alt={alt || name} width={width || undefined} height={height || undefined} />
      </button>
      {large && (
        <Dialog
          title={name}
          className="lightbox"
          testid="lightbox"
          onClose={() => setLarge(false)}
          head={
            <button type="button" className="icon-button" aria-label="Close" onClick={() => setLarge(false)}>
              <Icon name="close" />
            </button>
          }
        >
          <div className="dialog-body">
            <img src={src} alt={alt || name} />
            {alt && <p className="quiet">{alt}</p>}
          </div>
        </Dialog>
      )}
    </>
  )
}

// SlackPicture is a block's slack_file: {id} or {url}, where url is url_private.
export function SlackPicture({ file, alt, className }: { file: { id?: string; url?: string }; alt: string; className?: string }) {
  const { as } = useWorkspace()
  const id = file.id ?? /\b(F[A-Z0-9]+)\b/.exec(file.url ?? '')?.[1]
  if (!id) return <span className="remote-image">{alt || 'picture'}</span>
  const src = fileURL(id, as)
  return className ? <img className={className} src={src} alt={alt} /> : <Picture src={src} alt={alt} name={alt || 'picture'} />
}

const CODE: Record<string, string> = { python: 'python', py: 'python', json: 'json', sql: 'sql', shell: 'bash', sh: 'bash' }

export function FileCard({ file }: { file: SlackFile }) {
  const { as, attempt } = useWorkspace()
  const chooser = useRef<HTMLInputElement>(null)
  if (file.deleted) {
    return (
      <div className="file-card deleted" data-testid={`file-${file.id}`}>
        <Icon name="file" /> This file was deleted.
      </div>
    )
  }
  const src = fileURL(file.id, as)
  const mine: Item[] =
    file.user !== as
      ? []
      : [
          { key: 'replace', label: 'Replace…', detail: 'Other bytes, the same file', run: () => chooser.current?.click() },
          { key: 'delete', label: 'Delete file', danger: true, run: () => void attempt(sim.deleteFile(as, file.id)) },
        ]
  const tools = (
    <span className="file-tools">
      <a className="icon-button" href={fileURL(file.id, as, true)} download={file.name} aria-label={`Download ${file.name}`} title="Download">
        <Icon name="download" size={16} />
      </a>
      {mine.length > 0 && <Menu label={`More for ${file.name}`} className="icon-button" align="end" button={<Icon name="more" size={16} />} items={mine} />}
      <input
        ref={chooser}
        type="file"
        hidden
        onChange={(event) => {
          const next = event.target.files?.[0]
          if (next) void attempt(sim.replaceFile(as, file.id, next))
        }}
      />
    </span>
  )
  if (file.is_image) {
    return (
      <figure className="file-image" data-testid={`file-${file.id}`}>
        <figcaption>
          <span className="file-name">{file.title || file.name}</span> {tools}
        </figcaption>
        <Picture src={src} alt={file.alt_txt ?? ''} name={file.title || file.name} width={file.width} height={file.height} />
      </figure>
    )
  }
  return (
    <div className="file-card" data-testid={`file-${file.id}`}>
      <div className="file-head">
        <span className="file-icon">
          <Icon name="file" size={22} />
        </span>
        <span className="file-about">
          <span className="file-name">{file.title || file.name}</span>
          <span className="quiet">
            {file.title && file.title !== file.name ? `${file.name} · ` : ''}
            {(file.filetype || 'file').toUpperCase()} · {bytes(file.size)}
          </span>
        </span>
        {tools}
      </div>
      {file.preview && (
        <div className="file-preview">
          <Code text={file.preview} language={CODE[file.filetype]} />
          {file.preview_truncated && <p className="quiet pad">This preview is cut; download the file to see all of it.</p>}
        </div>
      )}
    </div>
  )
}
