-- The contact page: tasks with an assignee, the timeline in one answer, and leaving out one e-mail of a sequence.

-- A task is somebody's to do, who need not be the one who wrote it down.
alter table public.activities
  add column assigned_to uuid references public.profiles (id) on delete set null,
  add constraint only_tasks_are_assigned check (assigned_to is null or kind = 'task');
create index activities_assigned on public.activities (assigned_to, due_at) where assigned_to is not null;
-- What is still to do about one contact stands at the top of its page.
create index activities_open_tasks on public.activities (contact_id) where kind = 'task' and completed_at is null;

-- What happened stays as it was written: a task may be completed, moved or handed to somebody else, an entry never
-- reworded, and entries go only with the contact itself.
create or replace function private.guard_activity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    if exists (select from public.contacts where id = old.contact_id) then
      raise exception 'The timeline is append-only.' using errcode = 'MP002';
    end if;
    return old;
  end if;
  if (to_jsonb(new) - 'due_at' - 'completed_at' - 'assigned_to' - 'actor_id')
     is distinct from (to_jsonb(old) - 'due_at' - 'completed_at' - 'assigned_to' - 'actor_id')
     or (new.actor_id is distinct from old.actor_id and new.actor_id is not null) then
    raise exception 'The timeline is append-only.' using errcode = 'MP002';
  end if;
  return new;
end
$$;

-- What people write themselves is a note, a call, a meeting or a task; everything else on a timeline is told by the
-- database, so that nobody can make up a reply. (Functions that tell it act with their owner's rights.)
create function private.refuse_made_up() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'People add notes, calls, meetings and tasks to a timeline, and nothing else.' using errcode = '42501';
end
$$;
create trigger refuse_made_up before insert on public.activities for each row
  when (current_user = 'authenticated' and new.kind not in ('note', 'call', 'meeting', 'task'))
  execute function private.refuse_made_up();

-- activities: sales R i u (own or assigned), admin R I U, service R I
grant update (assigned_to) on public.activities to authenticated;
drop policy own_or_admin_change on public.activities;
create policy own_or_admin_change on public.activities for update to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and (actor_id = (select private.user_id()) or assigned_to = (select private.user_id()))))
  with check ((select private.is_staff()));

create view public.task_list with (security_invoker = true) as
select a.id, a.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, c.company_name,
       a.summary, a.occurred_at as added_at, a.due_at, a.completed_at,
       a.actor_id, w.full_name as actor_name, a.assigned_to, p.full_name as assigned_name
from public.activities a
join public.contacts c on c.id = a.contact_id
left join public.profiles w on w.id = a.actor_id
left join public.profiles p on p.id = a.assigned_to
where a.kind = 'task';
revoke all on public.task_list from public, anon, authenticated, service_role;
grant select on public.task_list to authenticated, service_role;

-- What happened with contacts (one, or those merged into one), the latest first, with the reader's own rights: to others
-- than the owner and admins an e-mail is a line without what came of it. An e-mail is one entry, with what was
-- reported about it. p_kinds null: everything; kind 'decision' is a row of drip_decisions. p_before_* are the
-- occurred_at, source and id of the last entry before.
create function public.contact_timeline(
  p_contacts uuid[], p_kinds text[], p_before timestamptz, p_before_source smallint, p_before_id bigint, p_limit integer)
returns table (
  source smallint, id bigint, contact_id uuid, occurred_at timestamptz, kind text, summary text, actor_name text,
  due_at timestamptz, completed_at timestamptz, assigned_name text,
  decision_reason text, until timestamptz, template_name text, campaign_name text,
  send_id uuid, send_status text, provider text, delivered_at timestamptz,
  opens bigint, last_opened_at timestamptz, clicks bigint, last_clicked_at timestamptz, clicked_urls text[],
  machine_opens bigint, machine_clicks bigint, trouble text, trouble_reason text, complained_at timestamptz)
language sql stable set search_path = '' as $$
  with happened as (
    select 1::smallint as source, a.id, a.contact_id, a.occurred_at, a.kind, a.summary, a.actor_id,
           a.due_at, a.completed_at, a.assigned_to, null::text as decision_reason, null::timestamptz as until,
           a.send_id, null::uuid as campaign_id, null::smallint as step
    from public.activities a
    where a.contact_id = any (p_contacts) and (p_kinds is null or a.kind = any (p_kinds))
    union all
    select 0::smallint, d.id, d.contact_id, d.decided_at, 'decision', d.explanation, null,
           null, null, null, d.reason, d.until, null, d.campaign_id, d.step
    from public.drip_decisions d
    where d.contact_id = any (p_contacts) and (p_kinds is null or 'decision' = any (p_kinds))
      -- These two stand among the activities, with who did it or what the provider said.
      and d.reason not in ('skipped_by_user', 'send_failed')),
  shown as (
    select * from happened h
    where p_before is null or (h.occurred_at, h.source, h.id) < (p_before, p_before_source, p_before_id)
    order by h.occurred_at desc, h.source desc, h.id desc limit p_limit)
  select h.source, h.id, h.contact_id, h.occurred_at, h.kind, h.summary, w.full_name,
         h.due_at, h.completed_at, p.full_name, h.decision_reason, h.until,
         coalesce(t.name, (select v.name from public.drip_campaign_templates v
                           where v.campaign_id = h.campaign_id and v.step = h.step and v.status <> 'draft'
                           order by v.status = 'published' desc, v.version desc limit 1)),
         c.name, s.id, s.status, s.provider, s.delivered_at,
         r.opens, r.last_opened_at, r.clicks, r.last_clicked_at, r.clicked_urls, r.machine_opens, r.machine_clicks,
         r.trouble, r.trouble_reason, r.complained_at
  from shown h
  left join public.profiles w on w.id = h.actor_id
  left join public.profiles p on p.id = h.assigned_to
  left join public.email_sends s on s.id = h.send_id
  left join public.drip_campaign_templates t on t.id = s.template_id
  left join public.drip_campaigns c on c.id = coalesce(s.campaign_id, h.campaign_id)
  left join lateral (
    select count(*) filter (where y.event = 'open' and not y.is_machine) as opens,
           max(y.occurred_at) filter (where y.event = 'open' and not y.is_machine) as last_opened_at,
           count(*) filter (where y.event = 'click' and not y.is_machine) as clicks,
           max(y.occurred_at) filter (where y.event = 'click' and not y.is_machine) as last_clicked_at,
           array_agg(distinct y.url) filter (where y.event = 'click' and not y.is_machine and y.url <> '') as clicked_urls,
           count(*) filter (where y.event = 'open' and y.is_machine) as machine_opens,
           count(*) filter (where y.event = 'click' and y.is_machine) as machine_clicks,
           (array_agg(y.event order by y.event = 'bounce' desc, y.event = 'dropped' desc, y.occurred_at)
              filter (where y.event in ('bounce', 'dropped', 'blocked')))[1] as trouble,
           (array_agg(y.reason order by y.event = 'bounce' desc, y.event = 'dropped' desc, y.occurred_at)
              filter (where y.event in ('bounce', 'dropped', 'blocked')))[1] as trouble_reason,
           min(y.occurred_at) filter (where y.event = 'spamreport') as complained_at
    from public.email_events y where y.send_id = s.id) r on true
  order by h.occurred_at desc, h.source desc, h.id desc
$$;

-- Leaves out the e-mail an enrollment waits for. Like one that expired it is remembered as a send that never left, which
-- the constraint one_email_a_step_and_run keeps from ever leaving in this run, whoever asks. The following one
-- comes its delay from now. Outcomes: skipped; or nothing changed: not_next (it went on meanwhile), over, under_way,
-- unconfirmed, failed (resuming goes on behind it).
create function public.skip_step(p_enrollment uuid, p_step smallint, p_now timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
  place public.campaign_enrollments;
  known public.email_sends;
  following record;
begin
  select e.* into place from public.campaign_enrollments e where e.id = p_enrollment;
  if place.id is null or cardinality(private.changeable(array[place.contact_id])) = 0 then
    raise exception 'You may not change this enrollment.' using errcode = '42501';
  end if;
  -- As the claim does: whoever comes second sees what the first has done.
  select e.* into place from public.campaign_enrollments e where e.id = p_enrollment for no key update;
  if place.status not in ('active', 'paused') then
    return 'over';
  elsif place.next_step is distinct from p_step then
    return 'not_next';
  end if;
  select s.* into known from public.email_sends s
  where s.contact_id = place.contact_id and s.campaign_id = place.campaign_id and s.run = place.run and s.step = p_step;
  if known.status = 'failed' and place.reason = 'send_failed' then
    return 'failed';
  elsif known.status = 'unconfirmed' then
    return 'unconfirmed';
  elsif known.status in ('claimed', 'handed_over') then
    return 'under_way';
  elsif known.status = 'retry' then
    -- Evidence about an earlier attempt locks the send first and the enrollment then: waiting for it here could
    -- be waiting for ever.
    perform from public.email_sends s where s.id = known.id and s.status = 'retry' for no key update skip locked;
    if not found then
      return 'under_way';
    end if;
    update public.email_sends s
    set status = 'failed', reason = 'Skipped by hand.', settled_at = p_now, claimed_at = p_now, retry_at = null
    where s.id = known.id;
  else
    insert into public.email_sends
      (enrollment_id, contact_id, campaign_id, step, run, template_id, to_email, status, reason, attempts,
       claimed_at, settled_at, due_at)
    select place.id, place.contact_id, place.campaign_id, p_step, place.run, t.id, coalesce(c.email, ''), 'failed',
           'Skipped by hand.', 0, p_now, p_now, place.next_send_at
    from public.drip_campaign_templates t, public.contacts c
    where t.campaign_id = place.campaign_id and t.step = p_step and t.status = 'published' and c.id = place.contact_id
    -- Received before, in whatever way: the enrollment only goes on.
    on conflict on constraint one_email_a_step_and_run do nothing;
  end if;
  perform private.tell_of_skip(place, p_step, 'Skipped', p_now);
  insert into public.drip_decisions (contact_id, enrollment_id, campaign_id, step, decided_at, reason, explanation, until)
  select place.contact_id, place.id, place.campaign_id, p_step, p_now, 'skipped_by_user',
         'Skipped by ' || coalesce((select p.full_name from public.profiles p where p.id = private.user_id()), 'the system'),
         -- When it would have gone out, should it be put back; nothing for one that was paused.
         case place.status when 'active' then greatest(p_now, place.next_send_at) end;

  select n.step, n.delay_days into following
  from private.next_unreceived(place.contact_id, place.campaign_id, place.run) n;
  if following.step is not null then
    update public.campaign_enrollments e
    set next_step = following.step, next_send_at = p_now + following.delay_days * interval '1 day', updated_at = p_now
    where e.id = place.id;
  else
    update public.campaign_enrollments e
    set status = 'completed', reason = '', ended_at = p_now, next_step = null, next_send_at = null, updated_at = p_now
    where e.id = place.id;
  end if;
  return 'skipped';
end
$$;

create function private.tell_of_skip(
  p_place public.campaign_enrollments, p_step smallint, p_what text, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id)
  select p_place.contact_id, p_now, 'step_skipped',
         p_what || ': ' || coalesce((
           select t.name from public.drip_campaign_templates t
           where t.campaign_id = d.id and t.step = p_step and t.status <> 'draft'
           order by t.status = 'published' desc, t.version desc limit 1), 'an e-mail') || ' (' || d.name || ')',
         p_place.id
  from public.drip_campaigns d where d.id = p_place.campaign_id
$$;

-- Puts an e-mail back that was skipped while the enrollment was active, as long as nothing has been sent or taken up since.
-- Outcomes: put_back, too_late.
create function public.undo_skip(p_enrollment uuid, p_step smallint, p_now timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
  place public.campaign_enrollments;
  skip public.drip_decisions;
begin
  select e.* into place from public.campaign_enrollments e where e.id = p_enrollment;
  if place.id is null or cardinality(private.changeable(array[place.contact_id])) = 0 then
    raise exception 'You may not change this enrollment.' using errcode = '42501';
  end if;
  select e.* into place from public.campaign_enrollments e where e.id = p_enrollment for no key update;
  select d.* into skip from public.drip_decisions d where d.enrollment_id = place.id order by d.id desc limit 1;
  if skip.reason is distinct from 'skipped_by_user' or skip.step <> p_step or skip.until is null
     or not (place.status = 'active' and place.next_send_at is not null
             or place.status = 'completed' and place.ended_at = skip.decided_at)
     or not exists (
       select from public.contacts c
       where c.id = place.contact_id and c.archived_at is null and c.email_status = 'ok' and c.email is not null)
     -- What ended nothing, since the campaign had ended with the skip, ends it now: an answer, or another type.
     or exists (
       select from public.email_events v
       where v.contact_id = place.contact_id and v.event = 'reply' and v.received_at >= skip.decided_at)
     or place.is_type_campaign and exists (
       select from public.type_changes y
       where y.contact_id = place.contact_id and y.changed_at >= skip.decided_at)
     or exists (
       select from public.email_sends s
       where s.contact_id = place.contact_id and s.campaign_id = place.campaign_id and s.run = place.run
         and s.step <> p_step and (s.claimed_at > skip.decided_at or s.status in ('claimed', 'handed_over', 'unconfirmed')))
  then
    return 'too_late';
  end if;
  update public.email_sends s set status = 'retry', reason = '', settled_at = null, retry_at = greatest(p_now, skip.until)
  where s.contact_id = place.contact_id and s.campaign_id = place.campaign_id and s.run = place.run and s.step = p_step
    and s.status = 'failed' and s.settled_at = skip.decided_at;
  if not found then
    return 'too_late';
  end if;
  update public.campaign_enrollments e
  set next_step = p_step, next_send_at = greatest(p_now, skip.until), updated_at = p_now
  where e.id = place.id;
  -- A statement of its own, because setting the status writes the timeline.
  update public.campaign_enrollments e set status = 'active', ended_at = null where e.id = place.id and e.status = 'completed';
  perform private.tell_of_skip(place, p_step, 'Put back', p_now);
  return 'put_back';
exception when unique_violation then
  -- The campaign had ended with the skip, and another has taken its place.
  return 'too_late';
end
$$;

revoke all on function
  private.refuse_made_up(), private.tell_of_skip(public.campaign_enrollments, smallint, text, timestamptz),
  public.contact_timeline(uuid[], text[], timestamptz, smallint, bigint, integer),
  public.skip_step(uuid, smallint, timestamptz), public.undo_skip(uuid, smallint, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  public.contact_timeline(uuid[], text[], timestamptz, smallint, bigint, integer),
  public.skip_step(uuid, smallint, timestamptz), public.undo_skip(uuid, smallint, timestamptz)
  to authenticated, service_role;
