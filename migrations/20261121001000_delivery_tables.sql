-- What delivery needs beyond sending: the requests e-mails travelled in, what came back and could not be
-- used, people who want to be left alone for a while, and the counts that can stop a campaign.

-- One HTTP request to the provider. Its events prove that it was accepted, for every e-mail in it; and
-- requests whose e-mails all had their events prove that the webhook was alive at that time.
create table public.send_requests (
  id uuid primary key,
  -- The order in which requests were handed over, whatever the schedulers' clocks say.
  number bigint generated always as identity,
  scheduler_run_id bigint not null,
  handed_over_at timestamptz not null,
  -- E-mails the provider answered 202 for, and e-mails of this request that had an event since.
  accepted_count integer not null default 0,
  heard_of_count integer not null default 0,
  first_event_at timestamptz,
  -- When an event carried this request's own id.
  proven_at timestamptz,
  -- When e-mails of it were judged never to have been taken. Should it be proven after all, they are looked at again.
  resent_at timestamptz
);
comment on table public.send_requests is 'Evidence: what left together, and what was heard of it.';
create index send_requests_by_time on public.send_requests (handed_over_at);
create index send_requests_of_run on public.send_requests (scheduler_run_id);

alter table public.email_sends
  add column request_id uuid,
  -- When the provider first reported anything about it.
  add column first_event_at timestamptz,
  -- When it was to be sent when it was first claimed, however often it was put off since.
  add column due_at timestamptz;

alter table public.email_events
  add column request_id uuid,
  add column user_agent text not null default '',
  add column ip text not null default '',
  -- The provider itself says that a machine opened it (sg_machine_open).
  add column says_machine boolean not null default false,
  -- Why it does not count as a person; empty where it does.
  add column machine_reason text not null default '' check (machine_reason in (
    '', 'machine_open', 'security_gateway', 'honeypot', 'click_burst', 'faster_than_people'));

-- Somebody asked for a pause, or is out of office: nothing is sent before then.
alter table public.contacts
  add column quiet_until timestamptz,
  add column quiet_reason text not null default '' check (quiet_reason in ('', 'asked_for_a_pause', 'out_of_office'));

-- How long after its due date an e-mail is still worth sending; null: always.
alter table public.drip_campaign_templates
  add column expires_after_days smallint check (expires_after_days between 1 and 365);

alter table public.activities drop constraint activities_kind_check;
alter table public.activities add constraint activities_kind_check check (kind in (
  'contact_created', 'contact_imported', 'contact_updated', 'type_changed', 'archived', 'unarchived',
  'enrolled', 'enrollment_paused', 'enrollment_resumed', 'enrollment_stopped', 'enrollment_completed',
  'email_sent', 'email_failed', 'email_event', 'unsubscribed', 'suppressed', 'reply', 'auto_reply', 'quiet',
  'note', 'call', 'meeting', 'task'));

alter table public.campaign_enrollments drop constraint campaign_enrollments_reason_check;
alter table public.campaign_enrollments add constraint campaign_enrollments_reason_check check (reason in (
  '', 'type_changed', 'archived', 'unsubscribed', 'bounced', 'complained', 'invalid', 'suppressed',
  'replied', 'opted_out', 'stopped_by_user', 'paused_by_user', 'send_failed', 'no_address', 'restarted'));

alter table public.drip_decisions drop constraint drip_decisions_reason_check;
alter table public.drip_decisions add constraint drip_decisions_reason_check check (reason in (
  'outside_send_window', 'holiday', 'contact_daily_cap', 'missing_merge_value', 'render_failed', 'consent_withdrawn',
  'account_daily_cap', 'step_expired', 'not_eligible', 'already_received', 'already_completed', 'rate_limited',
  'provider_unreachable', 'sending_halted', 'unconfirmed', 'send_failed', 'lease_expired',
  'quiet', 'proven_sent', 'proven_not_sent', 'decided_by_hand'));

create table public.quarantined_messages (
  id bigint generated always as identity primary key,
  source text not null check (source in ('events', 'inbound')),
  problem text not null check (length(problem) <= 1000),
  payload text not null check (length(payload) <= 20000),
  received_at timestamptz not null default private.clock()
);
comment on table public.quarantined_messages is 'What came in and could not be used, kept for a person to look at.';

-- Since the campaign last went on after a stop: what was sent on a day, and what became of that day's e-mails.
create table public.breaker_counts (
  campaign_id uuid not null references public.drip_campaigns (id) on delete cascade,
  sent_on date not null,
  accepted integer not null default 0,
  failed integer not null default 0,
  bounced integer not null default 0,
  complained integer not null default 0,
  primary key (campaign_id, sent_on)
) with (fillfactor = 50);
comment on column public.breaker_counts.sent_on is 'Day of the hand-over, UTC';

-- E-mails handed over before then are known and forgiven; the breakers count the ones after.
alter table public.drip_campaigns add column counted_since timestamptz;

-- E-mails handed over on a day (UTC), counted while the account has a daily cap.
create table public.account_days (
  day date primary key,
  handed_over integer not null default 0
);

insert into public.app_settings (key, value, description) values
  ('events_heard_at', 'null', 'When the event webhook last took in a batch'),
  ('unconfirmed_grace_minutes', '60', 'How long the event webhook must have been alive before a silent e-mail is sent again'),
  ('send_attempts', '20', 'After so many attempts an unconfirmed e-mail waits for a person'),
  ('soft_bounce_limit', '3', 'E-mails turned away within 30 days before an address counts as bounced'),
  ('account_daily_cap', 'null', 'E-mails at most on one day (UTC) over all campaigns; null for no cap'),
  ('warm_up', 'null', 'A new sending domain: {"starts_on": "2026-01-05", "daily": [50, 100, 200, 400]}; after the last day the account cap alone holds'),
  ('breaker_days', '3', 'The days of sending the breakers look at'),
  ('breaker_least_sends', '50', 'Fewer e-mails than this never stop a campaign'),
  ('breaker_bounce_percent', '5', 'Bounces that stop a campaign'),
  ('breaker_complaint_percent', '0.3', 'Spam complaints that stop a campaign'),
  ('breaker_failure_percent', '20', 'Refused e-mails that stop a campaign');

-- The engine computes with these in the middle of writing results down: a word among them would lose the results.
alter table public.app_settings add constraint numbers_are_numbers check (
  (key not in ('unconfirmed_grace_minutes', 'send_attempts', 'soft_bounce_limit', 'account_daily_cap', 'breaker_days',
               'breaker_least_sends')
   or value = 'null' or value::text ~ '^[1-9][0-9]{0,8}$' or (key = 'account_daily_cap' and value = '0'))
  and (key not in ('breaker_bounce_percent', 'breaker_complaint_percent', 'breaker_failure_percent')
       or value = 'null' or value::text ~ '^[0-9]{1,3}([.][0-9]{1,6})?$')
  and (key <> 'warm_up' or value = 'null'
       or (value ->> 'starts_on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and jsonb_typeof(value -> 'daily') = 'array'
           and not jsonb_path_exists(value, '$.daily[*] ? (@.type() != "number" || @ < 0)'))));

-- What the engine notes for itself is nobody's change.
drop trigger write_audit on public.app_settings;
create trigger write_audit after update or delete on public.app_settings
  for each row when (old.key not in ('run_requested_at', 'events_heard_at')) execute function private.write_audit();

-- The addresses a contact had: whoever answers from one is still that person.
create table public.former_addresses (
  email text not null check (email = lower(btrim(email))),
  contact_id uuid not null references public.contacts (id) on delete cascade,
  replaced_at timestamptz not null default private.clock(),
  primary key (email, contact_id)
);
create index former_addresses_contact on public.former_addresses (contact_id);

do $$
declare
  relation text;
begin
  foreach relation in array '{send_requests,quarantined_messages,breaker_counts,account_days,former_addresses}'::text[] loop
    execute format('alter table public.%I enable row level security', relation);
    execute format('alter table public.%I force row level security', relation);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', relation);
  end loop;
end
$$;

-- requests, quarantine and counts: admin R, service R I U
grant select on public.send_requests, public.quarantined_messages, public.breaker_counts, public.account_days to authenticated;
grant select, insert, update on public.send_requests, public.breaker_counts, public.account_days to service_role;
grant select, insert on public.quarantined_messages to service_role;
create policy admin_read on public.send_requests for select to authenticated using ((select private.is_admin()));
create policy admin_read on public.quarantined_messages for select to authenticated using ((select private.is_admin()));
create policy admin_read on public.breaker_counts for select to authenticated using ((select private.is_admin()));
grant select on public.former_addresses to authenticated, service_role;
create policy admin_read on public.former_addresses for select to authenticated using ((select private.is_admin()));
create policy admin_read on public.account_days for select to authenticated using ((select private.is_admin()));
