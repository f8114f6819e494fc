// The table and data_table blocks as a real <table>; its first row is the head.
import { useState, type ReactNode } from 'react'
import type { Block } from '../sim/api'
import { RichText } from './RichText'

type Cell = { type: string; text?: string; value?: number | string; elements?: any[] }
type Column = { align?: 'left' | 'center' | 'right'; is_wrapped?: boolean }

function draw(cell: Cell | null | undefined): ReactNode {
  if (!cell) return ''
  if (cell.type === 'rich_text') return <RichText elements={cell.elements ?? []} />
  return cell.text ?? String(cell.value ?? '')
}

// A column of numbers reads best set to the right, unless the app says otherwise.
function sides(rows: Cell[][], columns: Column[]): string[] {
  const width = Math.max(0, ...rows.map((r) => r.length))
  return Array.from({ length: width }, (_, at) => {
    const said = columns[at]?.align
    const numbers = rows.length > 1 && rows.slice(1).every((r) => r[at]?.type === 'raw_number')
    return `${said ?? (numbers ? 'right' : 'left')}${columns[at]?.is_wrapped ? ' wrapped' : ''}`
  })
}

export function Table({ block }: { block: Block }) {
  const rows: Cell[][] = block.rows ?? []
  const side = sides(rows, block.column_settings ?? [])
  const size = block.type === 'data_table' ? Number(block.page_size ?? 5) : rows.length
  const [page, setPage] = useState(0)
  const body = rows.slice(1)
  const pages = Math.max(1, Math.ceil(body.length / Math.max(1, size)))
  return (
    <figure className="table-frame" data-testid={`table-${block.block_id ?? ''}`}>
      <div className="table-scroll" tabIndex={0} role="group" aria-label={block.caption || 'Table'}>
        <table>
          {block.caption && <caption>{block.caption}</caption>}
          <thead>
            <tr>
              {(rows[0] ?? []).map((cell, i) => (
                <th key={i} scope="col" className={side[i]}>
                  {draw(cell)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.slice(page * size, (page + 1) * size).map((row, r) => (
              <tr key={r}>
                {row.map((cell, i) => (
                  <td key={i} className={side[i]}>
                    {draw(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <figcaption className="table-pages">
          <button type="button" className="button small" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Previous
          </button>
          <span>
            Page {page + 1} of {pages}, {body.length} rows
          </span>
          <button type="button" className="button small" disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>
            Next
          </button>
        </figcaption>
      )}
    </figure>
  )
}
