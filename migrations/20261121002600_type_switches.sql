-- What becomes of a contact's campaign when the type changes, for each pair of types; and the sender, which admins change
-- while the system runs.

-- Absent: stop_and_start. finish_first: the new type's campaign waits until the old one ends. keep_both: the old one goes
-- on beside the new.
create table public.type_switches (
  from_type text not null references public.contact_types (key) on update cascade on delete cascade,
  to_type text not null references public.contact_types (key) on update cascade on delete cascade,
  policy text not null check (policy in ('stop_and_start', 'finish_first', 'keep_both')),
  updated_at timestamptz not null default private.clock(),
  primary key (from_type, to_type),
  constraint types_differ check (from_type <> to_type)
);
create index type_switches_to_type on public.type_switches (to_type);
create trigger write_audit after insert or update or delete on public.type_switches
  for each row execute function private.write_audit();

alter table public.type_switches enable row level security;
alter table public.type_switches force row level security;
revoke all on public.type_switches from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.type_switches to authenticated;
grant select on public.type_switches to service_role;
create policy staff_read on public.type_switches for select to authenticated using ((select private.is_staff()));
create policy admin_add on public.type_switches for insert to authenticated with check ((select private.is_admin()));
create policy admin_change on public.type_switches for update to authenticated using ((select private.is_admin()));
create policy admin_delete on public.type_switches for delete to authenticated using ((select private.is_admin()));

-- The pages' own forms make contacts of these types.
create function private.keep_types_of_forms() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'Forms and imports make contacts of this type, so it stays. Give it another label instead.'
    using errcode = 'MP006';
end
$$;
create trigger keep_types_of_forms before delete on public.contact_types
  for each row when (old.key in ('networking', 'lead', 'prospect', 'client'))
  execute function private.keep_types_of_forms();

-- Enrollments that wait for another to end, and those that go on beside the one of the contact's type.
alter table public.campaign_enrollments drop constraint campaign_enrollments_reason_check;
alter table public.campaign_enrollments add constraint campaign_enrollments_reason_check check (reason in (
  '', 'type_changed', 'archived', 'unsubscribed', 'bounced', 'complained', 'invalid', 'suppressed', 'replied', 'opted_out',
  'stopped_by_user', 'paused_by_user', 'send_failed', 'no_address', 'restarted', 'merged', 'waits_for_other',
  'other_stopped'));
alter table public.campaign_enrollments
  add column kept_beside boolean not null default false,
  add column waits_for uuid references public.campaign_enrollments (id) on delete cascade,
  add constraint waits_for_something
    check (reason <> 'waits_for_other' or (status = 'paused' and waits_for is not null));
comment on column public.campaign_enrollments.kept_beside is
  'The policy keep_both lets it go on beside the campaign of the contact''s type';
comment on column public.campaign_enrollments.waits_for is
  'It waits for this one to end while reason is waits_for_other; afterwards, what it has waited for';
create index enrollments_waits_for on public.campaign_enrollments (waits_for) where waits_for is not null;
drop index public.one_active_type_campaign;
create unique index one_active_type_campaign on public.campaign_enrollments (contact_id)
  where status = 'active' and is_type_campaign and not kept_beside;

-- Only the rules below say what may run beside another.
do $$
declare
  others text := (
    select string_agg(quote_ident(attname), ', ') from pg_catalog.pg_attribute
    where attrelid = 'public.campaign_enrollments'::regclass and attnum > 0 and not attisdropped
      and attname not in ('kept_beside', 'waits_for'));
begin
  revoke insert, update on public.campaign_enrollments from authenticated, service_role;
  execute format('grant insert (%1$s), update (%1$s) on public.campaign_enrollments to authenticated, service_role', others);
end
$$;

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
    when 'other_stopped' then 'the contact asked for no more e-mails of the campaign it waited for'
    else '' end
$$;

-- From a running campaign to a type. Types may share a campaign: it counts as that of p_from where that is one of them.
create function private.switch_policy(p_campaign uuid, p_from text, p_to text) returns text
language sql stable security definer set search_path = '' as $$
  select coalesce((
    select s.policy from public.type_switches s
    where s.to_type = p_to and s.from_type = coalesce((
      select y.key from public.contact_types y where y.campaign_id = p_campaign
      order by (y.key = p_from) desc nulls last, y.position, y.key limit 1), p_from)), 'stop_and_start')
$$;

-- Enrolls contacts in one campaign, or (p_campaign null) in the campaign of their type, and says for
-- each what came of it. A contact that cannot be enrolled never stops the others. Who has one of the enrollments
-- p_after waits for it to end.
drop function private.enroll(uuid[], uuid, text, timestamptz);
create function private.enroll(
  p_contacts uuid[], p_campaign uuid, p_source text, p_now timestamptz, p_after uuid[] default null)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with wanted as (
    select c.id, coalesce(p_campaign, y.campaign_id) as campaign_id, c.email, c.archived_at, c.email_status,
           s.email is not null as suppressed
    from public.contacts c
    join public.contact_types y on y.key = c.contact_type
    left join public.suppressions s on s.email = c.email
    where c.id = any (p_contacts)),
  first as (
    select distinct on (e.contact_id) e.contact_id, e.id
    from unnest(p_after) a (id) join public.campaign_enrollments e on e.id = a.id
    order by e.contact_id, e.kept_beside, e.enrolled_at desc, e.id),
  judged as (
    select w.id, d.id as campaign_id, d.is_type_campaign, h.run, f.id as waits_for, case
        when d.id is null or d.status = 'archived' or not exists (
                     select from public.drip_campaign_templates t
                     where t.campaign_id = d.id and t.status = 'published') then 'no_campaign'
        when w.archived_at is not null then 'archived'
        when w.email is null then 'no_address'
        when w.email_status <> 'ok' then w.email_status
        when w.suppressed then 'suppressed'
        when h.opted_out then 'opted_out'
        when h.live_here then 'already_enrolled'
        when d.is_type_campaign and h.live_elsewhere and f.id is null then 'in_another_type_campaign'
      end as hindrance
    from wanted w
    left join public.drip_campaigns d on d.id = w.campaign_id
    left join first f on f.contact_id = w.id
    -- One look at the contact's own enrollments: as EXISTS, the planner hashed everybody's.
    cross join lateral (
      select coalesce(max(e.run) filter (where e.campaign_id = w.campaign_id), 1) as run,
             bool_or(e.campaign_id = w.campaign_id and e.reason = 'opted_out') as opted_out,
             bool_or(e.campaign_id = w.campaign_id and e.status in ('active', 'paused')) as live_here,
             bool_or(e.status = 'active' and e.is_type_campaign and not e.kept_beside) as live_elsewhere
      from public.campaign_enrollments e where e.contact_id = w.id) h),
  planned as (
    select j.id, j.campaign_id, j.is_type_campaign, j.run, j.hindrance, j.waits_for, n.step,
           greatest(p_now, coalesce(n.last_sent_at, p_now) + n.delay_days * interval '1 day') as due_at
    from judged j
    left join lateral private.next_unreceived(j.id, j.campaign_id, j.run) n on j.hindrance is null),
  inserted as (
    insert into public.campaign_enrollments
      (contact_id, campaign_id, is_type_campaign, run, next_step, next_send_at, source, enrolled_at, updated_at,
       status, reason, waits_for)
    select p.id, p.campaign_id, p.is_type_campaign, p.run, p.step, case when p.waits_for is null then p.due_at end,
           p_source, p_now, p_now, case when p.waits_for is null then 'active' else 'paused' end,
           case when p.waits_for is null then '' else 'waits_for_other' end, p.waits_for
    from planned p where p.hindrance is null and p.step is not null
    on conflict do nothing
    returning campaign_enrollments.contact_id)
  select p.id, case
      when p.hindrance is not null then p.hindrance
      when p.step is null then 'already_completed'
      when i.contact_id is null then 'already_enrolled'
      else 'enrolled' end
  from planned p left join inserted i on i.contact_id = p.id;
end
$$;

-- A new type: the policy of the pair decides about each campaign of another type that still runs. What only waits has
-- not begun and does not count. Where the new type's campaign runs already, there is nothing to wait for.
create function private.switch_campaigns(p_contacts uuid[], p_from text[], p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  stopping uuid[];
  keeping uuid[];
  finishing uuid[];
begin
  -- In one order, the one in which the engine meets them: an enrollment is older than what waits for it.
  perform from public.campaign_enrollments e
  where e.contact_id = any (p_contacts) and e.status in ('active', 'paused') order by e.id for no key update;
  update public.campaign_enrollments e
  set status = 'stopped', reason = 'type_changed', ended_at = p_now, next_send_at = null, updated_at = p_now
  where e.contact_id = any (p_contacts) and e.reason = 'waits_for_other';

  with moved as (
    select c.id, m.was, c.contact_type as is_now, y.campaign_id
    from unnest(p_contacts, p_from) m (id, was)
    join public.contacts c on c.id = m.id
    join public.contact_types y on y.key = c.contact_type),
  running as (
    select e.id, e.campaign_id, m.was, m.is_now, m.campaign_id as following, exists (
             select from public.campaign_enrollments o
             where o.contact_id = m.id and o.campaign_id = m.campaign_id and o.status in ('active', 'paused')) as is_there
    from moved m join public.campaign_enrollments e on e.contact_id = m.id
    where e.is_type_campaign and e.status in ('active', 'paused') and e.campaign_id is distinct from m.campaign_id),
  pairs as (
    select p.*, private.switch_policy(p.campaign_id, p.was, p.is_now) as policy
    from (select distinct r.campaign_id, r.was, r.is_now from running r) p),
  judged as (
    select r.id, case when r.following is null then 'stop_and_start'
                      when p.policy = 'finish_first' and r.is_there then 'keep_both' else p.policy end as policy
    from running r join pairs p using (campaign_id, was, is_now))
  select array_agg(id) filter (where policy = 'stop_and_start'), array_agg(id) filter (where policy = 'keep_both'),
         array_agg(id) filter (where policy = 'finish_first')
  into stopping, keeping, finishing from judged;

  update public.campaign_enrollments e
  set status = 'stopped', reason = 'type_changed', ended_at = p_now, next_send_at = null, updated_at = p_now
  where e.id = any (stopping);
  update public.campaign_enrollments e set kept_beside = true, updated_at = p_now
  where e.id = any (keeping) and not e.kept_beside;
  -- What ran beside may be the campaign of the type now.
  update public.campaign_enrollments e set kept_beside = false, updated_at = p_now
  from public.contacts c join public.contact_types y on y.key = c.contact_type
  where c.id = any (p_contacts) and e.contact_id = c.id and e.campaign_id = y.campaign_id
    and e.kept_beside and e.status in ('active', 'paused');
  perform private.enroll(p_contacts, null, 'type', p_now, finishing);
end
$$;

create or replace function private.on_contacts_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  moment timestamptz := private.clock();
  retyped uuid[];
  former text[];
begin
  -- Archived contacts, and those without an address any more.
  if exists (select from before b join after a using (id)
             where (a.archived_at is null) <> (b.archived_at is null) or (a.email is null and b.email is not null)) then
    insert into public.activities (contact_id, occurred_at, kind, summary)
    select a.id, moment, case when a.archived_at is null then 'unarchived' else 'archived' end,
           case when a.archived_at is null then 'Taken out of the archive' else 'Archived' end
    from before b join after a using (id) where (a.archived_at is null) <> (b.archived_at is null);
    perform private.stop_enrollments(
      array(select a.id from before b join after a using (id) where a.archived_at is not null and b.archived_at is null),
      'archived', moment);
    perform private.stop_enrollments(
      array(select a.id from before b join after a using (id) where a.email is null and b.email is not null),
      'no_address', moment);
  end if;

  -- People who may no longer be written to: remembered beyond the contact, and stopped.
  if exists (select from before b join after a using (id)
             where a.email_status <> 'ok' and a.email_status <> b.email_status) then
    insert into public.suppressions (email, reason, source, created_at)
    select a.email, private.suppression_of_status(a.email_status), 'contact', moment
    from before b join after a using (id)
    where a.email_status <> 'ok' and a.email_status <> b.email_status and a.email is not null
    on conflict (email) do update set reason = excluded.reason
      where private.is_weaker(suppressions.reason, excluded.reason);
    insert into public.activities (contact_id, occurred_at, kind, summary)
    select a.id, moment, case when a.email_status = 'unsubscribed' then 'unsubscribed' else 'suppressed' end,
           case a.email_status when 'unsubscribed' then 'Unsubscribed' when 'bounced' then 'The address bounced'
                when 'complained' then 'Marked our e-mail as spam' else 'The address was refused' end
           || case when a.email_status_reason <> '' then ': ' || left(a.email_status_reason, 500) else '' end
    from before b join after a using (id) where a.email_status <> 'ok' and a.email_status <> b.email_status;
    perform private.stop_enrollments(
      array(select a.id from before b join after a using (id)
            where a.email_status <> b.email_status and a.email_status = state.status),
      state.status, moment)
    from (values ('unsubscribed'), ('bounced'), ('complained'), ('invalid')) state (status);
  end if;

  -- A new address of somebody who said stop is listed as well.
  insert into public.suppressions (email, reason, source, created_at)
  select a.email, private.suppression_of_status(a.email_status), 'contact', moment
  from before b join after a using (id)
  where a.email is distinct from b.email and a.email is not null and a.email_status in ('unsubscribed', 'complained')
  on conflict (email) do update set reason = excluded.reason
    where private.is_weaker(suppressions.reason, excluded.reason);

  select array_agg(a.id order by a.id), array_agg(b.contact_type order by a.id) into retyped, former
  from before b join after a using (id) where a.contact_type <> b.contact_type;
  if cardinality(retyped) > 0 then
    insert into public.activities (contact_id, occurred_at, kind, summary)
    select a.id, moment, 'type_changed', 'Type changed from ' || o.label || ' to ' || n.label
    from before b join after a using (id)
    join public.contact_types o on o.key = b.contact_type
    join public.contact_types n on n.key = a.contact_type
    where a.contact_type <> b.contact_type;
    perform private.switch_campaigns(retyped, former, moment);
  end if;
  return null;
end
$$;

create or replace function private.on_enrollments_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id)
  select a.contact_id, a.enrolled_at, 'enrolled',
         case when a.restarted_from is null then 'Enrolled in ' else 'Restarted in ' end || d.name
           || case when a.reason = 'waits_for_other' then ', which begins when ' || o.name || ' ends' else '' end,
         a.enrolled_by, a.id
  from added a join public.drip_campaigns d on d.id = a.campaign_id
  left join public.campaign_enrollments e on e.id = a.waits_for
  left join public.drip_campaigns o on o.id = e.campaign_id
  where a.reason <> 'opted_out';
  -- What waited for the run before waits for this one.
  if exists (select from added where restarted_from is not null) then
    update public.campaign_enrollments w set waits_for = a.id, updated_at = a.enrolled_at
    from added a where w.waits_for = a.restarted_from and w.reason = 'waits_for_other';
  end if;
  return null;
end
$$;

create or replace function private.on_enrollment_status() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  campaign text := (select name from public.drip_campaigns where id = new.campaign_id);
  why text := private.words_for(new.reason);
begin
  insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id)
  values (new.contact_id, new.updated_at,
    case new.status when 'paused' then 'enrollment_paused' when 'active' then 'enrollment_resumed'
                    when 'stopped' then 'enrollment_stopped' else 'enrollment_completed' end,
    campaign || case when new.status = 'active' and old.reason = 'waits_for_other' then ' begins'
                     when new.status = 'paused' then ' paused' when new.status = 'active' then ' resumed'
                     when new.status = 'stopped' then ' stopped' else ' completed' end
      || case when why <> '' and new.status in ('paused', 'stopped') then ': ' || why else '' end,
    new.id);
  return null;
end
$$;

-- One has ended that others wait for. Where it was completed, or stopped by hand, they begin, or wait for the next of
-- those that policy lets finish first (and for one that took the place of the type's campaign meanwhile); where the
-- contact ended it, they end too. A restart hands them on to the new run (on_enrollments_added).
create function private.on_enrollment_ended() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.reason = 'restarted' then
    return null;
  end if;
  if new.status = 'stopped' and new.reason <> 'stopped_by_user' then
    update public.campaign_enrollments w
    set status = 'stopped', reason = case new.reason when 'opted_out' then 'other_stopped' else new.reason end,
        ended_at = new.updated_at, next_send_at = null, updated_at = new.updated_at
    where w.waits_for = new.id and w.reason = 'waits_for_other';
    return null;
  end if;
  update public.campaign_enrollments w set waits_for = o.id, updated_at = new.updated_at
  from public.contacts c cross join lateral (
    select e.id from public.campaign_enrollments e
    where e.contact_id = c.id and e.is_type_campaign and e.status in ('active', 'paused') and e.reason <> 'waits_for_other'
      and (private.switch_policy(e.campaign_id, null, c.contact_type) = 'finish_first'
           or (e.status = 'active' and not e.kept_beside))
    order by e.kept_beside, e.enrolled_at desc, e.id limit 1) o
  where w.waits_for = new.id and w.reason = 'waits_for_other' and c.id = w.contact_id;
  update public.campaign_enrollments w
  set status = case when n.step is null then 'completed' else 'active' end, reason = '', next_step = n.step,
      ended_at = case when n.step is null then new.updated_at end,
      next_send_at = greatest(new.updated_at, coalesce(n.last_sent_at, new.updated_at) + n.delay_days * interval '1 day'),
      updated_at = new.updated_at
  from public.campaign_enrollments x
  left join lateral private.next_unreceived(x.contact_id, x.campaign_id, x.run) n on true
  where x.waits_for = new.id and x.reason = 'waits_for_other' and w.id = x.id;
  return null;
end
$$;
create trigger on_enrollment_ended after update of status on public.campaign_enrollments
  for each row when (old.status in ('active', 'paused') and new.status in ('completed', 'stopped'))
  execute function private.on_enrollment_ended();

-- Resuming one whose contact is by now in another type campaign, or may not be written to, changes
-- nothing for it, nor for one that waits for another to end; of several type campaigns of one contact only the newest goes on.
create or replace function private.resume_enrollments(p_enrollments uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  changed bigint;
begin
  with candidates as (
    select e.id, e.contact_id, e.campaign_id, e.run, e.is_type_campaign and not e.kept_beside as is_the_types,
           e.next_send_at is null and not exists (
             select from public.email_sends s
             where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
               and s.step = e.next_step and s.status in ('claimed', 'handed_over', 'unconfirmed')) as dateless,
           row_number() over (partition by e.contact_id, e.is_type_campaign and not e.kept_beside
                              order by e.enrolled_at desc, e.id) as turn
    from public.campaign_enrollments e
    join public.contacts c on c.id = e.contact_id
    where e.id = any (p_enrollments) and e.status = 'paused' and e.reason <> 'waits_for_other'
      and c.archived_at is null and c.email_status = 'ok' and c.email is not null
      and not (e.is_type_campaign and not e.kept_beside and exists (
        select from public.campaign_enrollments o
        where o.contact_id = e.contact_id and o.id <> e.id and o.status = 'active' and o.is_type_campaign
          and not o.kept_beside))),
  -- One that a failed e-mail paused has no date: it goes on after that e-mail.
  planned as (
    select c.id, c.dateless, n.step, n.delay_days, n.last_sent_at
    from candidates c
    left join lateral private.next_unreceived(c.contact_id, c.campaign_id, c.run) n on c.dateless
    where c.turn = 1 or not c.is_the_types)
  update public.campaign_enrollments e
  set status = case when p.dateless and p.step is null then 'completed' else 'active' end,
      ended_at = case when p.dateless and p.step is null then p_now end,
      next_step = case when p.dateless then p.step else e.next_step end,
      next_send_at = case when not p.dateless then e.next_send_at
        when p.step is not null then greatest(p_now, p.last_sent_at + p.delay_days * interval '1 day') end,
      reason = '', updated_at = p_now
  from planned p where e.id = p.id;
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- The only way a run grows: from the first e-mail again, as a new enrollment that names the old one. It runs beside
-- another, or waits for it, as the old one did.
create or replace function public.restart_enrollment(p_enrollment uuid, p_now timestamptz) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  old public.campaign_enrollments;
  latest integer;
  waits boolean;
  fresh uuid;
begin
  select * into old from public.campaign_enrollments where id = p_enrollment for update;
  if old.id is null or cardinality(private.changeable(array[old.contact_id])) = 0 then
    raise exception 'You may not restart this enrollment.' using errcode = '42501';
  end if;
  select max(run) into latest from public.campaign_enrollments
  where contact_id = old.contact_id and campaign_id = old.campaign_id;
  if latest <> old.run then
    raise exception 'This enrollment was restarted already.' using errcode = 'MP004';
  end if;
  if exists (select from public.contacts where id = old.contact_id
             and (archived_at is not null or email_status <> 'ok' or email is null)) then
    raise exception 'This contact may not be written to.' using errcode = 'MP006';
  end if;
  waits := old.reason = 'waits_for_other';
  select max(e.run) into latest from public.campaign_enrollments e
  where e.contact_id = any (private.family_of(old.contact_id)) and e.campaign_id = old.campaign_id;
  update public.campaign_enrollments
  set status = 'stopped', reason = 'restarted', ended_at = p_now, next_send_at = null, updated_at = p_now
  where id = old.id and status in ('active', 'paused');
  insert into public.campaign_enrollments
    (contact_id, campaign_id, is_type_campaign, run, restarted_from, next_step, next_send_at, source, enrolled_at, updated_at,
     status, reason, waits_for, kept_beside)
  select old.contact_id, old.campaign_id, old.is_type_campaign, latest + 1, old.id, t.step,
         case when not waits then p_now + t.delay_days * interval '1 day' end, 'manual', p_now, p_now,
         case when waits then 'paused' else 'active' end, case when waits then 'waits_for_other' else '' end,
         case when waits then old.waits_for end,
         -- The contact's type may have come back to this campaign since.
         old.kept_beside and not exists (
           select from public.contacts c join public.contact_types y on y.key = c.contact_type
           where c.id = old.contact_id and y.campaign_id = old.campaign_id)
  from public.drip_campaign_templates t
  where t.campaign_id = old.campaign_id and t.status = 'published'
  order by t.position limit 1
  returning id into fresh;
  if fresh is null then
    raise exception 'This campaign has no published e-mails.' using errcode = 'MP006';
  end if;
  return fresh;
end
$$;

-- Failed sends get another try: the person has mended what was wrong.
create or replace function public.retry_failed(p_sends uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  freed bigint;
begin
  if not private.is_admin() then
    raise exception 'Only an admin sends a failed e-mail again.' using errcode = '42501';
  end if;
  -- Only where the enrollment still waits at this very e-mail; elsewhere it went on without it.
  with again as (
    update public.email_sends s
    set status = 'retry', retry_at = p_now, held_at = null, lease_token = null
    from public.campaign_enrollments e
    where s.id = any (p_sends) and s.status = 'failed'
      and e.id = s.enrollment_id and e.status = 'paused' and e.reason = 'send_failed' and e.next_step = s.step
      and not (e.is_type_campaign and not e.kept_beside and exists (
        select from public.campaign_enrollments o
        where o.contact_id = e.contact_id and o.status = 'active' and o.is_type_campaign and not o.kept_beside))
    returning s.enrollment_id)
  update public.campaign_enrollments e
  set status = 'active', reason = '', next_send_at = p_now, updated_at = p_now
  from again where e.id = again.enrollment_id;
  get diagnostics freed = row_count;
  return freed;
end
$$;

-- Enrollments that wait begin now: what they wait for is stopped by hand. Returns how many began.
create function public.start_waiting(p_enrollments uuid[], p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  mine uuid[];
begin
  select array_agg(e.id) into mine from public.campaign_enrollments e
  where e.id = any (p_enrollments) and e.reason = 'waits_for_other' and e.contact_id = any (private.changeable(
    array(select x.contact_id from public.campaign_enrollments x where x.id = any (p_enrollments))));
  loop
    -- Each round ends what is waited for; where that leads to another, the next round ends it.
    update public.campaign_enrollments e
    set status = 'stopped', reason = 'stopped_by_user', ended_at = p_now, next_send_at = null, updated_at = p_now
    from public.campaign_enrollments w
    where w.id = any (mine) and w.reason = 'waits_for_other' and e.id = w.waits_for and e.status in ('active', 'paused');
    exit when not found;
  end loop;
  return (select count(*) from public.campaign_enrollments e where e.id = any (mine) and e.status <> 'paused');
end
$$;

-- What a change of type would bring, by bringing it about and taking it back: whatever rule holds, this tells the
-- truth. For contacts the asker may change. Outcomes of a campaign: stops, no_longer_waits, goes_on_first,
-- goes_on_beside; of the new type's campaign: starts, continues (after `received` e-mails), waits, goes_on, or what
-- hinders it as enroll_contacts() has it; of contacts that have the type: there_already.
create function public.preview_switch(p_contacts uuid[], p_type text, p_now timestamptz)
returns table (campaign_name text, outcome text, contacts bigint, received bigint)
language plpgsql security definer set search_path = '' set statement_timeout = '55s' as $$
declare
  allowed uuid[] := private.changeable(p_contacts);
  moving uuid[] := array(select c.id from public.contacts c where c.id = any (allowed) and c.contact_type <> p_type);
  was_live uuid[];
  was_waiting uuid[];
  told jsonb;
begin
  begin
    perform set_config('mpt.now', p_now::text, true);
    select array_agg(e.id) filter (where e.reason <> 'waits_for_other'), array_agg(e.id) filter (where e.reason = 'waits_for_other')
    into was_live, was_waiting from public.campaign_enrollments e
    where e.contact_id = any (moving) and e.is_type_campaign and e.status in ('active', 'paused');
    update public.contacts c set contact_type = p_type, updated_at = p_now where c.id = any (moving);
    with others as (
      select e.contact_id, e.campaign_id, case
          when e.status = 'stopped' and e.id = any (was_waiting) then 'no_longer_waits'
          when e.status = 'stopped' then 'stops'
          when e.campaign_id = y.campaign_id then null
          when e.kept_beside then 'goes_on_beside' else 'goes_on_first' end as outcome
      from public.campaign_enrollments e, public.contact_types y
      where y.key = p_type and e.id = any (was_live || was_waiting)),
    following as (
      select r.contact_id, y.campaign_id, n.received, case
          when r.outcome <> 'already_enrolled' then r.outcome
          when n.reason = 'waits_for_other' then 'waits'
          when n.id = any (was_live) then 'goes_on'
          when n.received > 0 then 'continues' else 'starts' end as outcome
      from private.enroll(moving, null, 'type', p_now) r
      cross join public.contact_types y
      left join lateral (
        select e.id, e.reason, (select count(*) from public.email_sends s
                                where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
                                  and s.status not in ('claimed', 'retry')) as received
        from public.campaign_enrollments e
        where e.contact_id = r.contact_id and e.campaign_id = y.campaign_id and e.status in ('active', 'paused')) n on true
      where y.key = p_type)
    select jsonb_agg(t) into told from (
      select 1 as place, d.name as campaign_name, o.outcome, count(*) as contacts, 0 as received
      from others o join public.drip_campaigns d on d.id = o.campaign_id where o.outcome is not null
      group by d.name, o.outcome
      union all
      select 2, coalesce(d.name, ''), f.outcome, count(*), coalesce(max(f.received), 0)
      from following f left join public.drip_campaigns d on d.id = f.campaign_id group by d.name, f.outcome
      union all
      select 3, '', 'there_already', cardinality(allowed) - cardinality(moving), 0
      where cardinality(allowed) > cardinality(moving)) t;
    raise exception 'taken back' using errcode = 'MP000';
  exception when sqlstate 'MP000' then
    null;
  end;
  return query
  select t.campaign_name, t.outcome, t.contacts, t.received
  from jsonb_to_recordset(told) t (place integer, campaign_name text, outcome text, contacts bigint, received bigint)
  order by t.place, t.contacts desc, t.campaign_name, t.outcome;
end
$$;

-- p_switches, a JSON text, holds objects of from_type, to_type and policy. Returns how many changed.
create function public.change_switches(p_switches text, p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  given jsonb := p_switches::jsonb;
  changed bigint;
  forgotten bigint;
begin
  if not private.is_admin() then
    raise exception 'Only an admin changes what a change of type brings.' using errcode = '42501';
  end if;
  if jsonb_typeof(given) <> 'array' then
    raise exception 'Switches are given as a list.' using errcode = '22023';
  end if;
  delete from public.type_switches s
  using jsonb_to_recordset(given) g (from_type text, to_type text, policy text)
  where s.from_type = g.from_type and s.to_type = g.to_type and g.policy = 'stop_and_start';
  get diagnostics forgotten = row_count;
  insert into public.type_switches as s (from_type, to_type, policy, updated_at)
  select g.from_type, g.to_type, g.policy, p_now
  from jsonb_to_recordset(given) g (from_type text, to_type text, policy text)
  where g.policy is distinct from 'stop_and_start'
  on conflict (from_type, to_type) do update set policy = excluded.policy, updated_at = excluded.updated_at
    where s.policy <> excluded.policy;
  get diagnostics changed = row_count;
  return changed + forgotten;
end
$$;

-- The sender. Null: as the environment has it (MAIL_FROM_NAME and so on).
insert into public.app_settings (key, value, description) values
  ('mail_from_name', 'null', 'Name e-mails come from; null for MAIL_FROM_NAME'),
  ('mail_from_email', 'null', 'Address e-mails come from; null for MAIL_FROM_EMAIL'),
  ('mail_reply_to', 'null', 'Address replies go to, empty for the sender''s; null for MAIL_REPLY_TO'),
  ('mail_postal_address', 'null', 'Postal address in every footer; null for MAIL_POSTAL_ADDRESS');
alter table public.app_settings add constraint texts_are_texts check (
  (key <> 'mail_from_name' or value = 'null'
   or (jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[^;,<>"[:cntrl:]]{1,100}$' and value #>> '{}' ~ '\S'))
  and (key not in ('mail_from_email', 'mail_reply_to') or value = 'null' or (key = 'mail_reply_to' and value = '""')
       or (jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 254
           and value #>> '{}' ~ '^[^@\s<>,;:"[:cntrl:]]+@[^@\s<>,;:"[:cntrl:]]+\.[^@\s<>,;:".[:cntrl:]]+$'))
  and (key <> 'mail_postal_address' or value = 'null'
       or (jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 300 and value #>> '{}' ~ '\S'))
  and (key <> 'default_time_zone' or (jsonb_typeof(value) = 'string' and private.is_time_zone(value #>> '{}')))
  and (key <> 'default_country' or (jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[A-Z]{2}$')));

-- p_settings, a JSON text, holds new values by their names. Returns how many changed.
create function public.change_settings(p_settings text, p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  given jsonb := p_settings::jsonb;
  changed bigint;
begin
  if not private.is_admin() then
    raise exception 'Only an admin changes the settings.' using errcode = '42501';
  end if;
  if jsonb_typeof(given) <> 'object' then
    raise exception 'Settings are given by their names.' using errcode = '22023';
  end if;
  if exists (
    select from jsonb_object_keys(given) k where k <> all (
      '{mail_from_name,mail_from_email,mail_reply_to,mail_postal_address,default_time_zone,default_country}'::text[]))
  then
    raise exception 'There is no such setting.' using errcode = '22023';
  end if;
  update public.app_settings s set value = g.value, updated_at = p_now
  from jsonb_each(given) g
  where s.key = g.key and s.value is distinct from g.value;
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Versions that are recorded as applied, for the health page; none where somebody set the database up without a record.
create function public.applied_migrations() returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.acts_as_service() and not private.is_admin() then
    raise exception 'Only an admin looks into the installation.' using errcode = '42501';
  end if;
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    return query execute 'select version::text from supabase_migrations.schema_migrations order by version';
  end if;
end
$$;

-- The list of enrollments tells what one waits for.
create or replace view public.enrollment_list with (security_invoker = true) as
select e.id, e.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, c.email, c.company_name,
       e.campaign_id, d.name as campaign_name, d.key as campaign_key, d.status as campaign_status, e.status, e.reason,
       e.run, e.source, e.enrolled_at, e.ended_at, e.next_step, e.next_send_at, e.last_step, e.last_sent_at,
       t.id as next_template_id, t.name as next_template_name, t.subject as next_subject, t.position as next_position,
       (select count(*) from public.drip_campaign_templates s
        where s.campaign_id = e.campaign_id and s.status = 'published') as step_count,
       (select count(*) from public.email_sends s
        where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
          and s.status in ('accepted', 'delivered')) as sent_count,
       e.kept_beside, e.waits_for,
       case when e.reason = 'waits_for_other' then (
         select w.name from public.campaign_enrollments o join public.drip_campaigns w on w.id = o.campaign_id
         where o.id = e.waits_for) end as waits_for_name
from public.campaign_enrollments e
join public.contacts c on c.id = e.contact_id
join public.drip_campaigns d on d.id = e.campaign_id
left join public.drip_campaign_templates t
  on t.campaign_id = e.campaign_id and t.step = e.next_step and t.status = 'published';

-- What the health check asks about them, put into its list of questions where the one they belong to stands.
do $$
declare
  known text := pg_get_functiondef('private.health_questions()'::regprocedure);
  asked text := $one$where status = 'active' and is_type_campaign
  group by contact_id having count(*) > 1 $q$),$one$;
begin
  if position(asked in known) = 0 then
    raise exception 'private.health_questions() is not as this migration knows it.';
  end if;
  execute replace(known, asked, $three$where status = 'active' and is_type_campaign and not kept_beside
  group by contact_id having count(*) > 1 $q$),
('invariant', 'enrollments that wait for one that has ended', $q$ select w.id from public.campaign_enrollments w
  where w.reason = 'waits_for_other' and not exists (
    select from public.campaign_enrollments e
    where e.id = w.waits_for and e.contact_id = w.contact_id and e.status in ('active', 'paused')) $q$),$three$);
end
$$;

revoke all on function private.keep_types_of_forms(), private.switch_policy(uuid, text, text),
  private.enroll(uuid[], uuid, text, timestamptz, uuid[]), private.switch_campaigns(uuid[], text[], timestamptz),
  private.on_enrollment_ended(), public.start_waiting(uuid[], timestamptz),
  public.preview_switch(uuid[], text, timestamptz), public.change_switches(text, timestamptz),
  public.change_settings(text, timestamptz), public.applied_migrations() from public, anon, authenticated, service_role;
grant execute on function public.start_waiting(uuid[], timestamptz), public.preview_switch(uuid[], text, timestamptz),
  public.applied_migrations()
  to authenticated, service_role;
grant execute on function public.change_switches(text, timestamptz), public.change_settings(text, timestamptz)
  to authenticated;
