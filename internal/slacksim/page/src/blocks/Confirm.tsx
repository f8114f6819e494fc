// The dialog that Slack shows before an action that has a "confirm".
import type { TextObject } from '../sim/api'
import { Dialog } from '../parts/Dialog'
import { Text } from '../text/Text'

export interface ConfirmText {
  title?: TextObject
  text?: TextObject
  confirm?: TextObject
  deny?: TextObject
  style?: 'primary' | 'danger'
}

export function Confirm({ text, onYes, onNo }: { text: ConfirmText; onYes(): void; onNo(): void }) {
  return (
    <Dialog title={text.title?.text ?? 'Are you sure?'} className="confirm" testid="confirm" onClose={onNo}>
      <div className="dialog-body">
        <Text of={text.text} />
      </div>
      <div className="dialog-foot">
        <button type="button" className="button" data-testid="confirm-deny" onClick={onNo}>
          {text.deny?.text ?? 'Cancel'}
        </button>
        <button type="button" className={`button solid ${text.style === 'danger' ? 'danger' : 'primary'}`} data-testid="confirm-accept" data-autofocus onClick={onYes}>
          {text.confirm?.text ?? 'Yes'}
        </button>
      </div>
    </Dialog>
  )
}
