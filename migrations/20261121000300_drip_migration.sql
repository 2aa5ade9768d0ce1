-- The drip engine's own tables: campaigns, their e-mails as versions, who is enrolled,
-- what was sent, what came back, and why something was not sent.

create table public.drip_campaigns (
  id uuid primary key default private.uuid_v7(),
  key text not null unique check (key ~ '^[a-z][a-z0-9_]*$'),
  name text not null,
  description text not null default '',
  status text not null default 'active' check (status in ('active', 'paused', 'archived')),
  paused_reason text not null default '',
  -- A type campaign follows the contact's type; others are joined by hand and run beside it.
  is_type_campaign boolean not null default true,
  -- The send window in the contact's own time: ISO weekdays (1 is Monday); an end of 00:00 is midnight.
  window_days smallint[] not null default '{1,2,3,4,5}'
    check (window_days <@ '{1,2,3,4,5,6,7}' and cardinality(window_days) > 0),
  window_start time not null default '09:00',
  window_end time not null default '17:00',
  respect_holidays boolean not null default true,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  unique (id, is_type_campaign),
  constraint window_opens_before_it_closes
    check (window_end = '00:00' or window_start < window_end)
);
alter table public.contact_types add constraint contact_types_campaign_id_fkey
  foreign key (campaign_id) references public.drip_campaigns (id) on delete set null;
create index contact_types_campaign on public.contact_types (campaign_id);

insert into public.drip_campaigns (key, name, description) values
  ('networking', 'Networking', 'Turn a first meeting into a lasting business relationship.'),
  ('lead', 'Lead', 'Help someone who showed interest decide whether a call is worth their time.'),
  ('prospect', 'Prospect', 'Keep an open sales conversation moving to a clear yes or no.'),
  ('client', 'Client', 'Start well, stay useful, and earn the referral.');
insert into public.contact_types (key, label, position, campaign_id)
  select key, name, row_number() over (order by array_position('{networking,lead,prospect,client}', key)), id
  from public.drip_campaigns;
insert into public.contact_types (key, label, position) values ('partner', 'Partner', 5), ('other', 'Other', 6);

create table public.drip_campaign_templates (
  id uuid primary key default private.uuid_v7(),
  campaign_id uuid not null references public.drip_campaigns (id) on delete cascade,
  -- A step keeps its number for life; position is where it stands in the sequence. Moving a step
  -- changes its position, so nobody who received it can receive it again under another number.
  step smallint not null check (step > 0),
  position smallint not null check (position > 0),
  version integer not null default 1 check (version > 0),
  status text not null default 'draft' check (status in ('draft', 'published', 'retired')),
  name text not null,
  subject text not null,
  preheader text not null default '',
  body text not null,
  delay_days smallint not null default 0 check (delay_days between 0 and 365),
  content_hash text not null,
  -- What the compiler made of it (subject, html and text with slots), kept with the version
  -- so that an old e-mail can be shown exactly, whatever became of the layout or the compiler.
  compiled jsonb not null,
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  published_at timestamptz,
  unique (campaign_id, step, version)
);
create unique index one_published_version_a_step on public.drip_campaign_templates (campaign_id, step)
  where status = 'published';
create unique index one_published_step_a_position on public.drip_campaign_templates (campaign_id, position)
  where status = 'published';
create index drip_campaign_templates_created_by on public.drip_campaign_templates (created_by);

create function private.guard_published_template() returns trigger
language plpgsql set search_path = '' as $$
begin
  if old.status = 'draft' then
    return new;
  end if;
  if (to_jsonb(new) - 'status' - 'position' - 'created_by')
       is distinct from (to_jsonb(old) - 'status' - 'position' - 'created_by')
     or new.status = 'draft' then
    raise exception 'A published template version never changes; publish a new version.'
      using errcode = 'MP003';
  end if;
  return new;
end
$$;
create trigger guard_published_template before update on public.drip_campaign_templates
  for each row execute function private.guard_published_template();

create table public.campaign_enrollments (
  id uuid primary key default private.uuid_v7(),
  contact_id uuid not null references public.contacts (id) on delete cascade,
  campaign_id uuid not null,
  is_type_campaign boolean not null default true,
  status text not null default 'active' check (status in ('active', 'paused', 'completed', 'stopped')),
  run integer not null default 1 check (run > 0),
  restarted_from uuid references public.campaign_enrollments (id) on delete set null,
  next_step smallint,
  -- When the next e-mail is due. Null while a send is under way, and when nothing is left to send.
  next_send_at timestamptz,
  last_step smallint,
  last_sent_at timestamptz,
  source text not null default 'manual' check (source in ('type', 'manual', 'bulk', 'import', 'event')),
  enrolled_by uuid default private.user_id() references public.profiles (id) on delete set null,
  enrolled_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  -- Why it is paused or stopped, as a code; crm/records turns codes into words.
  reason text not null default '' check (reason in (
    '', 'type_changed', 'archived', 'unsubscribed', 'bounced', 'complained', 'invalid', 'suppressed',
    'replied', 'stopped_by_user', 'paused_by_user', 'send_failed', 'no_address', 'restarted')),
  updated_at timestamptz not null default private.clock(),
  foreign key (campaign_id, is_type_campaign)
    references public.drip_campaigns (id, is_type_campaign) on update cascade,
  constraint ended_when_over check ((status in ('completed', 'stopped')) = (ended_at is not null))
) with (fillfactor = 70);

create unique index one_live_enrollment_a_campaign on public.campaign_enrollments (contact_id, campaign_id)
  where status in ('active', 'paused');
create unique index one_active_type_campaign on public.campaign_enrollments (contact_id)
  where status = 'active' and is_type_campaign;
-- The claim asks step by step: "who is due for e-mail 3 of Lead?". A claimed row leaves the index
-- at once (next_send_at becomes null), so an empty tick probes a few index pages and no more.
create index enrollments_due on public.campaign_enrollments (campaign_id, next_step, next_send_at)
  where status = 'active' and next_send_at is not null;
create index enrollments_of_contact on public.campaign_enrollments (contact_id);
create index enrollments_enrolled_by on public.campaign_enrollments (enrolled_by) where enrolled_by is not null;
create index enrollments_restarted_from on public.campaign_enrollments (restarted_from)
  where restarted_from is not null;

-- The run number is what makes "never twice" sharp: it grows by an explicit restart and no other way.
create function private.guard_enrollment_runs() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from added a
    -- Distinct, not unequal: a restart of somebody else's enrollment finds no run and is refused.
    where a.run is distinct from case
      when a.restarted_from is not null then
        (select o.run + 1 from public.campaign_enrollments o
         where o.id = a.restarted_from and o.contact_id = a.contact_id
           and o.campaign_id = a.campaign_id)
      else coalesce(
        (select max(o.run) from public.campaign_enrollments o
         where o.contact_id = a.contact_id and o.campaign_id = a.campaign_id
           and o.id not in (select x.id from added x)), 1)
      end) then
    raise exception 'The run of an enrollment grows only by an explicit restart.' using errcode = 'MP004';
  end if;
  return null;
end
$$;
create trigger guard_enrollment_runs after insert on public.campaign_enrollments
  referencing new table as added
  for each statement execute function private.guard_enrollment_runs();

create function private.refuse_identity_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (new.run, new.contact_id, new.campaign_id) is distinct from (old.run, old.contact_id, old.campaign_id) then
    raise exception 'An enrollment keeps its contact, campaign and run.' using errcode = 'MP004';
  end if;
  return new;
end
$$;
create trigger refuse_identity_change
  before update of run, contact_id, campaign_id on public.campaign_enrollments
  for each row execute function private.refuse_identity_change();

create table public.scheduler_runs (
  id bigint generated always as identity primary key,
  started_at timestamptz not null,
  finished_at timestamptz,
  trigger text not null check (trigger in ('interval', 'requested', 'command')),
  host text not null default '',
  status text not null default 'running' check (status in ('running', 'ok', 'failed')),
  counts jsonb not null default '{}',
  error text not null default '',
  -- The sender identity this run wrote with; part of showing an e-mail exactly as it was sent.
  sender jsonb not null default '{}',
  next_run_at timestamptz,
  -- Until when this run's leases may last; null when none of its sends is under way. The sweep looks at
  -- overdue runs only: an index on the leases themselves is full of dead entries after a large run.
  leased_until timestamptz
);
create index scheduler_runs_leased on public.scheduler_runs (leased_until) where leased_until is not null;
create index scheduler_runs_newest on public.scheduler_runs (started_at desc);

create table public.email_sends (
  id uuid primary key default private.uuid_v7(),
  -- One foreign key only, since each costs a look-up an e-mail: with the contact its sends go. The claim
  -- takes the other three from rows it holds locked; scripts/check_drip_tables.py looks for strays.
  contact_id uuid not null references public.contacts (id) on delete cascade,
  enrollment_id uuid not null,
  campaign_id uuid not null,
  step smallint not null,
  run integer not null,
  template_id uuid not null,
  status text not null default 'claimed' check (status in (
    'claimed', 'handed_over', 'accepted', 'delivered', 'bounced', 'dropped',
    'failed', 'retry', 'unconfirmed')),
  to_email text not null,
  -- The values of the template's slots, in their order: a JSON array of strings, kept as written.
  merge_values json,
  lease_token uuid,
  lease_until timestamptz,
  attempts smallint not null default 1,
  claimed_at timestamptz not null,
  handed_over_at timestamptz,
  settled_at timestamptz,
  retry_at timestamptz,
  -- Since when it waits for a person: unconfirmed or failed.
  held_at timestamptz,
  provider text not null default '',
  provider_message_id text,
  reason text not null default '',
  delivered_at timestamptz,
  first_opened_at timestamptz,
  first_clicked_at timestamptz,
  scheduler_run_id bigint,
  constraint one_email_a_step_and_run unique (contact_id, campaign_id, step, run)
) with (fillfactor = 60);
-- No index mentions status, not even in its predicate: the hand-over then stays a heap-only update.
-- The sweep: the sends of a run whose leases ran out.
create index email_sends_of_run on public.email_sends (scheduler_run_id);
-- The queue: what waits for a person.
create index email_sends_held on public.email_sends (held_at desc) where held_at is not null;

create function private.guard_send_content() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'A send keeps its template version, merge values and address once handed over.'
    using errcode = 'MP005';
end
$$;
create trigger guard_send_content
  before update of template_id, merge_values, to_email, contact_id, campaign_id, step, run
  on public.email_sends for each row
  when (old.handed_over_at is not null and old.status not in ('retry', 'claimed')
        and (old.template_id, old.merge_values::text, old.to_email, old.contact_id, old.campaign_id, old.step, old.run)
            is distinct from
            (new.template_id, new.merge_values::text, new.to_email, new.contact_id, new.campaign_id, new.step, new.run))
  execute function private.guard_send_content();

-- What a provider accepted stays accepted: put back to an earlier state it could be sent again.
create function private.guard_send_status() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'An accepted e-mail never becomes one that was not sent.' using errcode = 'MP005';
end
$$;
create trigger guard_send_status before update of status on public.email_sends for each row
  when (old.status in ('accepted', 'delivered', 'bounced', 'dropped')
        and new.status not in ('accepted', 'delivered', 'bounced', 'dropped'))
  execute function private.guard_send_status();

-- A version that was sent stays, so that the e-mail can be shown. (A foreign key would look it up again
-- for every e-mail; deleting a version is rare enough for a scan.)
create function private.guard_sent_template() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.email_sends where template_id = old.id) then
    raise exception 'This version was sent; retire it instead.' using errcode = 'MP003';
  end if;
  return old;
end
$$;
create trigger guard_sent_template before delete on public.drip_campaign_templates
  for each row execute function private.guard_sent_template();

create table public.email_events (
  id bigint generated always as identity primary key,
  send_id uuid references public.email_sends (id) on delete cascade,
  contact_id uuid references public.contacts (id) on delete cascade,
  event text not null check (event in (
    'processed', 'delivered', 'deferred', 'bounce', 'blocked', 'dropped', 'open', 'click',
    'spamreport', 'unsubscribe', 'group_unsubscribe', 'group_resubscribe', 'reply')),
  occurred_at timestamptz not null,
  message_id text not null default '',
  email text not null default '',
  url text not null default '',
  attempt text not null default '',
  is_machine boolean not null default false,
  reason text not null default '',
  provider_event_id text not null default '',
  payload jsonb not null default '{}',
  received_at timestamptz not null default private.clock(),
  -- SendGrid repeats an event, at times under a new sg_event_id; this is what makes it the same one.
  constraint same_event_once unique (message_id, event, occurred_at, email, url, attempt)
);
create index email_events_of_send on public.email_events (send_id);
create index email_events_of_contact on public.email_events (contact_id, occurred_at desc);

create table public.drip_decisions (
  id bigint generated always as identity primary key,
  contact_id uuid not null references public.contacts (id) on delete cascade,
  enrollment_id uuid references public.campaign_enrollments (id) on delete cascade,
  campaign_id uuid references public.drip_campaigns (id) on delete cascade,
  step smallint,
  decided_at timestamptz not null,
  reason text not null check (reason in (
    'outside_send_window', 'holiday', 'contact_daily_cap', 'missing_merge_value', 'render_failed', 'consent_withdrawn',
    'account_daily_cap', 'step_expired', 'not_eligible', 'already_received', 'already_completed', 'rate_limited', 'provider_unreachable',
    'sending_halted', 'unconfirmed', 'send_failed', 'lease_expired')),
  explanation text not null,
  until timestamptz,
  scheduler_run_id bigint
);
create index drip_decisions_of_contact on public.drip_decisions (contact_id, id desc);
create index drip_decisions_of_enrollment on public.drip_decisions (enrollment_id);
create index drip_decisions_of_campaign on public.drip_decisions (campaign_id);
