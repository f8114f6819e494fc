// What apps do that are written with Slack's own client and do more than ours does.
// It prints one line for each thing that happened.
import { LogLevel, WebClient } from '@slack/web-api';

const { API_URL, BOT_TOKEN } = process.env;
const web = new WebClient(BOT_TOKEN, { slackApiUrl: API_URL, logLevel: LogLevel.ERROR });
const say = (line) => console.log(JSON.stringify(line));
const channel = 'C0SALES';

try {
  const team = await web.team.info();
  const teams = await web.auth.teams.list();
  say({ at: 'team', name: team.team.name, same: teams.teams[0].id === team.team.id });
  const { user } = await web.users.lookupByEmail({ email: 'maya@harbor-coffee.example' });
  const { profile } = await web.users.profile.get({ user: user.id });
  say({ at: 'user', id: user.id, email: profile.email });
  const root = await web.chat.postMessage({ channel, text: 'Look at this' });
  await web.reactions.add({ channel, timestamp: root.ts, name: 'eyes' });
  await web.pins.add({ channel, timestamp: root.ts });
  const seen = await web.conversations.history({ channel, latest: root.ts, inclusive: true, limit: 1 });
  say({ at: 'marked', reactions: seen.messages[0].reactions.map((r) => r.name) });
  const later = await web.chat.scheduleMessage({ channel, text: 'Later', post_at: Math.floor(Date.now() / 1000) + 3600 });
  say({ at: 'scheduled', id: later.scheduled_message_id, kind: later.message.type });
  const stream = web.chatStream({ channel, thread_ts: root.ts, recipient_team_id: team.team.id, recipient_user_id: user.id, buffer_size: 4 });
  await stream.append({ markdown_text: 'The answer ' });
  await stream.append({ markdown_text: 'is 42.' });
  const ended = await stream.stop();
  say({ at: 'streamed', text: ended.message.text, thread: ended.message.thread_ts === root.ts });
  const codes = [];
  for (const call of [() => web.reactions.add({ channel, timestamp: root.ts, name: 'eyes' }), () => web.apiCall('chat.teleport')]) {
    try {
      await call();
      codes.push('none');
    } catch (error) {
      codes.push(error.data.error);
    }
  }
  say({ at: 'refused', codes: codes.join(' ') });
} catch (error) {
  say({ at: 'failed', error: String(error?.stack ?? error), data: error?.data });
}
