-- The path a contact walks: networking, lead, prospect, client. Discovery calls, projects and networking
-- events move people along it, forwards only; what a person chose by hand is never taken back by a form.

alter table public.contact_types add column path_rank smallint;
comment on column public.contact_types.path_rank is
  'Place on the sales path, the later the higher. Null: off the path, promoted by nothing.';
update public.contact_types y set path_rank = p.rank
from (values ('other', 0), ('networking', 1), ('lead', 2), ('prospect', 3), ('client', 4)) p (key, rank)
where y.key = p.key;

-- Every change of type as a row: what conversion is counted from. The timeline tells the same in words.
create table public.type_changes (
  id bigint generated always as identity primary key,
  contact_id uuid not null references public.contacts (id) on delete cascade,
  from_type text not null references public.contact_types (key) on update cascade,
  to_type text not null references public.contact_types (key) on update cascade,
  -- Along the path, judged when it happened: the path may be drawn anew later.
  is_forward boolean not null,
  changed_at timestamptz not null,
  actor_id uuid references public.profiles (id) on delete set null
);
create index type_changes_of_contact on public.type_changes (contact_id, changed_at);
create index type_changes_actor on public.type_changes (actor_id) where actor_id is not null;
create index type_changes_from_type on public.type_changes (from_type);
create index type_changes_to_type on public.type_changes (to_type);

create function private.is_forward(from_type text, to_type text) returns boolean
language sql stable security definer set search_path = '' as $$
  select coalesce((select n.path_rank > o.path_rank from public.contact_types o, public.contact_types n
                   where o.key = from_type and n.key = to_type), false)
$$;

create function private.record_type_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.type_changes (contact_id, from_type, to_type, is_forward, changed_at, actor_id)
  values (new.id, old.contact_type, new.contact_type, private.is_forward(old.contact_type, new.contact_type),
          private.clock(), private.user_id());
  return null;
end
$$;
-- A row's trigger, for its condition: a statement that changes no type pays nothing.
create trigger record_type_change after update of contact_type on public.contacts
  for each row when (old.contact_type is distinct from new.contact_type)
  execute function private.record_type_change();

-- What the timeline tells of earlier changes, as far as its labels are still those of the types.
insert into public.type_changes (contact_id, from_type, to_type, is_forward, changed_at, actor_id)
select a.contact_id, o.key, n.key, coalesce(n.path_rank > o.path_rank, false), a.occurred_at, a.actor_id
from public.activities a
join public.contact_types o join public.contact_types n on true
  on a.summary = 'Type changed from ' || o.label || ' to ' || n.label
where a.kind = 'type_changed'
order by a.occurred_at;

alter table public.type_changes enable row level security;
alter table public.type_changes force row level security;
revoke all on public.type_changes from public, anon, authenticated, service_role;
grant select on public.type_changes to authenticated, service_role;
create policy staff_read on public.type_changes for select to authenticated using ((select private.is_staff()));

-- Moves contacts along the path to a type, and starts its campaign for those who never were in it. Outcomes:
-- promoted; there_already; further_along (or off the path): their type stays. The caller has asked whether
-- the contacts may be changed. Enrolling has its own rules, and its outcome is the timeline's to tell.
create function private.promote(p_contacts uuid[], p_type text, p_source text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' as $$
declare
  ready uuid[];
begin
  perform set_config('mpt.now', p_now::text, true);
  -- Somebody may be moving them along at this very moment: judged is what they are then.
  perform from public.contacts c where c.id = any (p_contacts) order by c.id for no key update;
  return query
  with judged as (
    select c.id, case when c.contact_type = p_type then 'there_already'
                      when private.is_forward(c.contact_type, p_type) then 'promoted'
                      else 'further_along' end as verdict
    from public.contacts c where c.id = any (p_contacts)),
  moved as (
    update public.contacts c set contact_type = p_type, updated_at = p_now
    from judged j where j.id = c.id and j.verdict = 'promoted'
    returning c.id)
  select j.id, j.verdict from judged j left join moved m on m.id = j.id;
  ready := array(
    select c.id from public.contacts c join public.contact_types y on y.key = c.contact_type
    where c.id = any (p_contacts) and c.contact_type = p_type and not exists (
      select from public.campaign_enrollments e where e.contact_id = c.id and e.campaign_id = y.campaign_id));
  if cardinality(ready) > 0 then
    perform private.enroll(ready, null, p_source, p_now);
  end if;
end
$$;
revoke all on function private.is_forward(text, text), private.record_type_change(),
  private.promote(uuid[], text, text, timestamptz) from public, anon, authenticated, service_role;

-- Codes that the pages bring with them.
alter table public.activities drop constraint activities_kind_check;
alter table public.activities add constraint activities_kind_check check (kind in (
  'contact_created', 'contact_imported', 'contact_updated', 'type_changed', 'archived', 'unarchived', 'merged',
  'enrolled', 'enrollment_paused', 'enrollment_resumed', 'enrollment_stopped', 'enrollment_completed', 'step_skipped',
  'email_sent', 'email_failed', 'email_event', 'unsubscribed', 'suppressed', 'suppression_lifted', 'reply', 'auto_reply',
  'quiet', 'note', 'call', 'meeting', 'task', 'discovery', 'project', 'networking_event'));

alter table public.campaign_enrollments drop constraint campaign_enrollments_reason_check;
alter table public.campaign_enrollments add constraint campaign_enrollments_reason_check check (reason in (
  '', 'type_changed', 'archived', 'unsubscribed', 'bounced', 'complained', 'invalid', 'suppressed', 'replied', 'opted_out',
  'stopped_by_user', 'paused_by_user', 'send_failed', 'no_address', 'restarted', 'merged', 'waits_for_other'));

alter table public.drip_decisions drop constraint drip_decisions_reason_check;
alter table public.drip_decisions add constraint drip_decisions_reason_check check (reason in (
  'outside_send_window', 'holiday', 'contact_daily_cap', 'missing_merge_value', 'render_failed', 'consent_withdrawn',
  'account_daily_cap', 'step_expired', 'not_eligible', 'already_received', 'already_completed', 'rate_limited',
  'provider_unreachable', 'sending_halted', 'unconfirmed', 'send_failed', 'lease_expired',
  'quiet', 'proven_sent', 'proven_not_sent', 'decided_by_hand', 'skipped_by_user'));

create or replace function private.words_for(reason text) returns text
language sql immutable set search_path = '' as $$
  select case reason
    when 'type_changed' then 'the contact type changed' when 'archived' then 'the contact was archived'
    when 'unsubscribed' then 'the contact unsubscribed' when 'bounced' then 'the address bounced'
    when 'complained' then 'the contact marked an e-mail as spam'
    when 'invalid' then 'the address was refused' when 'suppressed' then 'the address is suppressed'
    when 'replied' then 'the contact replied' when 'opted_out' then 'the contact asked for no more of these e-mails'
    when 'stopped_by_user' then 'stopped by hand'
    when 'paused_by_user' then 'paused by hand' when 'send_failed' then 'an e-mail could not be sent'
    when 'no_address' then 'the contact has no address' when 'restarted' then 'restarted from the beginning'
    when 'merged' then 'the contact was merged into another'
    when 'waits_for_other' then 'it waits for another campaign to end'
    else '' end
$$;
