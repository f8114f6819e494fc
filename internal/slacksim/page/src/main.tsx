import { createRoot } from 'react-dom/client'
import { App } from './App'
import './style/base.css'
import './style/frame.css'
import './style/message.css'
import './style/blocks.css'
import './style/overlay.css'

createRoot(document.getElementById('page')!).render(<App />)
