// Line icons on a 20 px grid, drawn for this page. They never carry meaning
// alone: whatever holds one also has a label.
const PATHS: Record<string, string> = {
  hash: 'M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h13M3 12.5h13',
  lock: 'M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  home: 'm3 9 7-6 7 6v8h-5v-5H8v5H3z',
  close: 'm5 5 10 10M15 5 5 15',
  plus: 'M10 4v12M4 10h12',
  send: 'm3 4 14 6-14 6 2.5-6zM5.5 10H11',
  reply: 'M4 5h12v8H9l-4 3v-3H4z',
  more: 'M10 5h.01M10 10h.01M10 15h.01',
  file: 'M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15',
  download: 'M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M4 16.5h12',
  clip: 'm15 9-5.7 5.7a3 3 0 0 1-4.3-4.3L11 4.5a2 2 0 0 1 2.9 2.9l-5.8 5.8a1 1 0 0 1-1.5-1.4L11.5 7',
  eye: 'M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  check: 'm4 10.5 4 4 8-9',
  down: 'm5 8 5 5 5-5',
  back: 'm12 4-6 6 6 6',
  info: 'M10 9v5M10 6h.01M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15z',
  warning: 'M10 3 2 17h16zM10 8v4M10 14.5h.01',
  window: 'M8 4H4v12h12v-4M11 3.5h5.5V9M16 4l-7 7',
  refresh: 'M16 6.5A7 7 0 1 0 17 11M16.5 3v4h-4',
  pulse: 'M2 10h4l2-5 4 10 2-5h4',
  bolt: 'M11 2.5 4.5 11H10l-1 6.5L15.5 9H10z',
  globe: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM2.5 10h15M10 2.5c4.5 4.5 4.5 10.5 0 15M10 2.5c-4.5 4.5-4.5 10.5 0 15',
  bot: 'M4 8h12v8H4zM10 8V4.5M10 4.5h.01M7.5 11.5v1M12.5 11.5v1M2.5 11v3M17.5 11v3',
}

export function Icon({ name, size = 18 }: { name: keyof typeof PATHS & string; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth={name === 'more' ? 2.6 : 1.6} strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  )
}
