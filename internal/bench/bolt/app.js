// A bot on Slack's own framework that does as little as one can: one durable INSERT before each ack,
// and after it the posts. `make bench` holds Countersign's acks against its.
const { App } = require('@slack/bolt');
const { Pool } = require('pg');

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
  logLevel: 'error',
});

app.command('/analyze', async ({ command, ack, client }) => {
  const asked = await pool.query(
    'INSERT INTO bolt_asks (trigger_id, team, channel, who, question) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id',
    [command.trigger_id, command.team_id, command.channel_id, command.user_id, command.text],
  );
  await ack();
  await client.chat.postMessage({ channel: command.channel_id, text: 'asked: ' + command.text });
  await client.chat.postMessage({
    channel: process.env.REVIEW_CHANNEL,
    text: 'print(1)',
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: '```print(1)```' } },
      {
        type: 'actions',
        elements: [
          { type: 'button', action_id: 'approve', value: String(asked.rows[0].id), text: { type: 'plain_text', text: 'Approve' } },
        ],
      },
    ],
  });
});

app.action('approve', async ({ action, body, ack, client }) => {
  await pool.query('INSERT INTO bolt_decisions (ask, who) VALUES ($1, $2) ON CONFLICT DO NOTHING', [action.value, body.user.id]);
  await ack();
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: 'Approved by ' + body.user.id, blocks: [] });
});

app.error(async (error) => console.error(error));

(async () => {
  await pool.query(`CREATE TABLE IF NOT EXISTS bolt_asks (id bigserial PRIMARY KEY, trigger_id text UNIQUE,
    team text, channel text, who text, question text, at timestamptz DEFAULT now())`);
  await pool.query(`CREATE TABLE IF NOT EXISTS bolt_decisions (ask bigint REFERENCES bolt_asks, who text, at timestamptz DEFAULT now(),
    PRIMARY KEY (ask, who))`);
  await app.start();
})();
