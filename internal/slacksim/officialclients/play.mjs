// An app written with Slack's own clients. The Go test plays the people; this
// script answers them and prints one line for each thing that happened.
import { SocketModeClient } from '@slack/socket-mode';
import { LogLevel, WebClient } from '@slack/web-api';

const { API_URL, BOT_TOKEN, APP_TOKEN } = process.env;
const web = new WebClient(BOT_TOKEN, { slackApiUrl: API_URL, logLevel: LogLevel.ERROR });
const socket = new SocketModeClient({
  appToken: APP_TOKEN,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: API_URL },
});

const say = (line) => console.log(JSON.stringify(line));
const plain = (text) => ({ type: 'plain_text', text });
const card = (text, ...buttons) => [
  { type: 'section', text: { type: 'mrkdwn', text } },
  ...(buttons.length ? [{ type: 'actions', block_id: 'decide', elements: buttons }] : []),
];
const form = {
  type: 'modal',
  callback_id: 'ask',
  title: plain('Ask'),
  submit: plain('Send'),
  blocks: [{ type: 'input', block_id: 'q', label: plain('Question'), element: { type: 'plain_text_input', action_id: 'typed' } }],
};

// Every handler reports its failure, so that the Go test can show it.
const guarded = (handle) => async (args) => {
  try {
    await handle(args);
  } catch (error) {
    say({ at: 'failed', error: String(error?.stack ?? error), data: error?.data });
  }
};

socket.on('slash_commands', guarded(async ({ ack, body }) => {
  if (body.text === 'inline') {
    await ack({ text: 'answered in the ack' });
  } else if (body.text === 'form') {
    await ack();
    await web.views.open({ trigger_id: body.trigger_id, view: form });
  } else {
    await ack();
    const button = { type: 'button', action_id: 'approve', text: plain('Approve'), value: 'v1', style: 'primary' };
    const posted = await web.chat.postMessage({ channel: body.channel_id, text: 'Review this', blocks: card(`*${body.text}*`, button) });
    const link = await web.chat.getPermalink({ channel: posted.channel, message_ts: posted.ts });
    say({ at: 'posted', ts: posted.ts, link: link.permalink, blocks: posted.message.blocks.length });
  }
}));

socket.on('interactive', guarded(async ({ ack, body }) => {
  if (body.type === 'block_actions') {
    await ack();
    await web.chat.update({ channel: body.channel.id, ts: body.message.ts, text: 'Done', blocks: card(`Approved by <@${body.user.id}>`) });
    await fetch(body.response_url, { method: 'POST', body: JSON.stringify({ text: 'through response_url' }) });
  } else if (body.type === 'view_submission') {
    const typed = body.view.state.values.q.typed.value;
    if (typed === 'bad') {
      await ack({ response_action: 'errors', errors: { q: 'Too short.' } });
    } else {
      await ack();
      await web.chat.postMessage({ channel: body.user.id, text: `You asked: ${typed}` });
    }
  }
}));

socket.on('app_mention', guarded(async ({ ack, event }) => {
  await ack();
  const [file] = event.files;
  const got = await fetch(file.url_private, { headers: { Authorization: `Bearer ${BOT_TOKEN}` } });
  const content = await got.text();
  await web.filesUploadV2({
    channel_id: event.channel, thread_ts: event.ts, initial_comment: 'Read it',
    filename: 'copy.csv', content: content.toUpperCase(),
  });
  const thread = { at: 'mentioned', file: file.name, size: file.size };
  const members = await web.conversations.members({ channel: event.channel, limit: 2 });
  const user = await web.users.info({ user: event.user });
  say({ ...thread, next: members.response_metadata.next_cursor !== '', tz: user.user.tz });
}));

socket.on('app_home_opened', guarded(async ({ ack, event }) => {
  await ack();
  await web.views.publish({ user_id: event.user, view: { type: 'home', blocks: card('Welcome home') } });
}));

const auth = await web.auth.test();
await socket.start();
say({ at: 'started', user: auth.user_id, scopes: auth.response_metadata.scopes });
try {
  await web.chat.postMessage({ channel: 'C0RANDOM', text: 'hello' });
} catch (error) {
  say({ at: 'refused', code: error.data.error });
}
process.stdin.resume();
process.stdin.on('end', async () => {
  await socket.disconnect();
  process.exit(0);
});
