-- Who is enrolled in what follows from the contact, whichever program writes it. Every rule is one
-- set-based statement: importing 50,000 contacts enrolls them in one INSERT.

-- A reason of the suppression list as the state of a contact, and back.
create function private.status_of_suppression(reason text) returns text
language sql immutable set search_path = '' as $$
  select case reason when 'hard_bounce' then 'bounced' when 'complaint' then 'complained'
                     when 'invalid' then 'invalid' else 'unsubscribed' end
$$;
create function private.suppression_of_status(email_status text) returns text
language sql immutable set search_path = '' as $$
  select case email_status when 'bounced' then 'hard_bounce' when 'complained' then 'complaint'
                           when 'invalid' then 'invalid' else 'unsubscribed' end
$$;

-- The address decides: a suppressed one starts suppressed, and correcting a bad one clears the badness.
-- Somebody who unsubscribed or complained stays stopped under any address: it was the person who asked.
create function private.apply_suppression() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  found_reason text;
begin
  if tg_op = 'UPDATE' then
    if (new.email, new.email_status) is not distinct from (old.email, old.email_status) then
      return new;
    end if;
    -- Who said stop stays stopped, whatever else is written; lifting it is an audited function's business.
    if old.email_status in ('unsubscribed', 'complained') and new.email_status not in ('unsubscribed', 'complained') then
      new.email_status := old.email_status;
      new.email_status_reason := old.email_status_reason;
      new.email_status_at := old.email_status_at;
    end if;
    if new.email is distinct from old.email then
      if old.email_status in ('bounced', 'invalid') and new.email_status = old.email_status then
        new.email_status := 'ok';
        new.email_status_reason := '';
        new.email_status_at := private.clock();
      end if;
    end if;
  end if;
  if new.email_status = 'ok' then
    select s.reason into found_reason from public.suppressions s where s.email = new.email;
    if found_reason is not null then
      new.email_status := private.status_of_suppression(found_reason);
      new.email_status_reason := 'This address is on the suppression list.';
      new.email_status_at := private.clock();
    end if;
  end if;
  return new;
end
$$;
create trigger apply_suppression before insert or update of email, email_status on public.contacts
  for each row execute function private.apply_suppression();

-- Where a contact stands in a campaign: its run, and the first step after everything received in that run.
-- 'claimed' and 'retry' have not left yet; every other state may have reached the person.
create function private.next_unreceived(p_contact uuid, p_campaign uuid, p_run integer)
returns table (step smallint, delay_days smallint, last_sent_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with received as (
    select max(t.position) as position, max(coalesce(s.handed_over_at, s.claimed_at)) as sent_at
    from public.email_sends s
    join public.drip_campaign_templates t
      on t.campaign_id = s.campaign_id and t.step = s.step and t.status = 'published'
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.run = p_run
      and s.status not in ('claimed', 'retry'))
  select t.step, t.delay_days, r.sent_at
  from received r
  join public.drip_campaign_templates t on t.campaign_id = p_campaign and t.status = 'published'
    and t.position > coalesce(r.position, 0)
  where not exists (
    select from public.email_sends s
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.step = t.step
      and s.run = p_run and s.status not in ('claimed', 'retry'))
  order by t.position limit 1
$$;

-- Enrolls contacts in one campaign, or (p_campaign null) in the campaign of their type, and says for
-- each what came of it. A contact that cannot be enrolled never stops the others.
create function private.enroll(p_contacts uuid[], p_campaign uuid, p_source text, p_now timestamptz)
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
  judged as (
    select w.id, d.id as campaign_id, d.is_type_campaign, h.run, case
        when d.id is null or d.status = 'archived' or not exists (
                     select from public.drip_campaign_templates t
                     where t.campaign_id = d.id and t.status = 'published') then 'no_campaign'
        when w.archived_at is not null then 'archived'
        when w.email is null then 'no_address'
        when w.email_status <> 'ok' then w.email_status
        when w.suppressed then 'suppressed'
        when h.live_here then 'already_enrolled'
        when d.is_type_campaign and h.live_elsewhere then 'in_another_type_campaign'
      end as hindrance
    from wanted w
    left join public.drip_campaigns d on d.id = w.campaign_id
    -- One look at the contact's own enrollments: as EXISTS, the planner hashed everybody's.
    cross join lateral (
      select coalesce(max(e.run) filter (where e.campaign_id = w.campaign_id), 1) as run,
             bool_or(e.campaign_id = w.campaign_id and e.status in ('active', 'paused')) as live_here,
             bool_or(e.status = 'active' and e.is_type_campaign) as live_elsewhere
      from public.campaign_enrollments e where e.contact_id = w.id) h),
  planned as (
    select j.id, j.campaign_id, j.is_type_campaign, j.run, j.hindrance, n.step,
           greatest(p_now, coalesce(n.last_sent_at, p_now) + n.delay_days * interval '1 day') as due_at
    from judged j
    left join lateral private.next_unreceived(j.id, j.campaign_id, j.run) n on j.hindrance is null),
  inserted as (
    insert into public.campaign_enrollments
      (contact_id, campaign_id, is_type_campaign, run, next_step, next_send_at, source, enrolled_at, updated_at)
    select p.id, p.campaign_id, p.is_type_campaign, p.run, p.step, p.due_at, p_source, p_now, p_now
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

-- Stops live enrollments of contacts; the trigger on enrollments writes the timeline.
create function private.stop_enrollments(p_contacts uuid[], p_reason text, p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.campaign_enrollments e
  set status = 'stopped', reason = p_reason, ended_at = p_now, next_send_at = null, updated_at = p_now
  where e.contact_id = any (p_contacts) and e.status in ('active', 'paused')
$$;

create function private.on_contacts_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.activities (contact_id, occurred_at, kind, summary)
  select id, private.clock(),
         case when source = 'manual' then 'contact_created' else 'contact_imported' end,
         case when source = 'manual' then 'Contact added' else 'Imported from ' || source end
  from added;
  -- Somebody who arrives as stopped stays stopped beyond the contact.
  insert into public.suppressions (email, reason, source, created_at)
  select email, private.suppression_of_status(email_status), 'contact', private.clock()
  from added where email_status <> 'ok' and email is not null
  on conflict (email) do nothing;
  -- The import without --enroll turns this off for its own transaction.
  if coalesce(nullif(current_setting('mpt.auto_enroll', true), ''), 'on') = 'on' then
    perform private.enroll(array(select id from added where email_status = 'ok' and archived_at is null),
                           null, 'type', private.clock());
  end if;
  return null;
end
$$;
create trigger on_contacts_added after insert on public.contacts
  referencing new table as added
  for each statement execute function private.on_contacts_added();

create function private.on_contacts_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  moment timestamptz := private.clock();
  retyped uuid[];
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

  -- A new type: out of the old type's campaign, into the new one's.
  retyped := array(select a.id from before b join after a using (id) where a.contact_type <> b.contact_type);
  if cardinality(retyped) > 0 then
    insert into public.activities (contact_id, occurred_at, kind, summary)
    select a.id, moment, 'type_changed', 'Type changed from ' || o.label || ' to ' || n.label
    from before b join after a using (id)
    join public.contact_types o on o.key = b.contact_type
    join public.contact_types n on n.key = a.contact_type
    where a.contact_type <> b.contact_type;
    update public.campaign_enrollments e
    set status = 'stopped', reason = 'type_changed', ended_at = moment, next_send_at = null, updated_at = moment
    from public.contacts c join public.contact_types y on y.key = c.contact_type
    where c.id = any (retyped) and e.contact_id = c.id and e.is_type_campaign
      and e.status in ('active', 'paused') and e.campaign_id is distinct from y.campaign_id;
    perform private.enroll(retyped, null, 'type', moment);
  end if;
  return null;
end
$$;
create trigger on_contacts_changed after update on public.contacts
  referencing old table as before new table as after
  for each statement execute function private.on_contacts_changed();

-- An address that failed may be corrected; a person's wish weighs more and replaces it.
create function private.is_weaker(reason text, other text) returns boolean
language sql immutable set search_path = '' as $$
  select reason in ('hard_bounce', 'invalid') and other not in ('hard_bounce', 'invalid')
$$;

create function private.on_suppressions_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- Contacts and the list each write to the other; where nothing changes it must end.
  if not exists (select from added) then
    return null;
  end if;
  update public.contacts c
  set email_status = private.status_of_suppression(a.reason), email_status_at = private.clock(),
      email_status_reason = 'Put on the suppression list.', updated_at = private.clock()
  from added a
  where c.email = a.email and (c.email_status = 'ok' or (c.email_status in ('bounced', 'invalid')
    and private.status_of_suppression(a.reason) in ('unsubscribed', 'complained')));
  return null;
end
$$;
create trigger on_suppressions_added after insert on public.suppressions
  referencing new table as added
  for each statement execute function private.on_suppressions_added();
create trigger on_suppressions_changed after update on public.suppressions
  referencing new table as added
  for each statement execute function private.on_suppressions_added();

create function private.on_enrollments_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id)
  select a.contact_id, a.enrolled_at, 'enrolled',
         case when a.restarted_from is null then 'Enrolled in ' else 'Restarted in ' end || d.name,
         a.enrolled_by, a.id
  from added a join public.drip_campaigns d on d.id = a.campaign_id;
  return null;
end
$$;
create trigger on_enrollments_added after insert on public.campaign_enrollments
  referencing new table as added
  for each statement execute function private.on_enrollments_added();

create function private.words_for(reason text) returns text
language sql immutable set search_path = '' as $$
  select case reason
    when 'type_changed' then 'the contact type changed' when 'archived' then 'the contact was archived'
    when 'unsubscribed' then 'the contact unsubscribed' when 'bounced' then 'the address bounced'
    when 'complained' then 'the contact marked an e-mail as spam'
    when 'invalid' then 'the address was refused' when 'suppressed' then 'the address is suppressed'
    when 'replied' then 'the contact replied' when 'stopped_by_user' then 'stopped by hand'
    when 'paused_by_user' then 'paused by hand' when 'send_failed' then 'an e-mail could not be sent'
    when 'no_address' then 'the contact has no address' when 'restarted' then 'restarted from the beginning'
    else '' end
$$;

-- Fires only where a statement sets status, so claiming and advancing pay nothing for it.
create function private.on_enrollment_status() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  campaign text := (select name from public.drip_campaigns where id = new.campaign_id);
  why text := private.words_for(new.reason);
begin
  insert into public.activities (contact_id, occurred_at, kind, summary, enrollment_id)
  values (new.contact_id, new.updated_at,
    case new.status when 'paused' then 'enrollment_paused' when 'active' then 'enrollment_resumed'
                    when 'stopped' then 'enrollment_stopped' else 'enrollment_completed' end,
    campaign || case new.status when 'paused' then ' paused' when 'active' then ' resumed'
                                when 'stopped' then ' stopped' else ' completed' end
      || case when why <> '' and new.status in ('paused', 'stopped') then ': ' || why else '' end,
    new.id);
  return null;
end
$$;
create trigger on_enrollment_status after update of status on public.campaign_enrollments
  for each row when (old.status is distinct from new.status)
  execute function private.on_enrollment_status();

-- What the provider reports. Order does not matter: a send only ever moves up this ladder.
create function private.send_rank(status text) returns smallint
language sql immutable set search_path = '' as $$
  select case status when 'accepted' then 1 when 'delivered' then 2 when 'dropped' then 3
                     when 'bounced' then 4 else 0 end::smallint
$$;

create function private.on_events_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.email_sends s
  set status = case when private.send_rank(r.status) > private.send_rank(s.status)
                     and private.send_rank(s.status) > 0 then r.status else s.status end,
      delivered_at = least(s.delivered_at, r.delivered_at),
      first_opened_at = least(s.first_opened_at, r.opened_at),
      first_clicked_at = least(s.first_clicked_at, r.clicked_at)
  from (
    select send_id,
      case when bool_or(event = 'bounce') then 'bounced' when bool_or(event = 'dropped') then 'dropped'
           when bool_or(event in ('delivered', 'open', 'click')) then 'delivered' else 'accepted' end as status,
      min(occurred_at) filter (where event = 'delivered') as delivered_at,
      min(occurred_at) filter (where event = 'open' and not is_machine) as opened_at,
      min(occurred_at) filter (where event = 'click' and not is_machine) as clicked_at
    from added where send_id is not null group by send_id) r
  where s.id = r.send_id;

  update public.contacts c
  set email_status = e.status, email_status_reason = e.reason, email_status_at = e.occurred_at,
      updated_at = private.clock()
  from (
    select distinct on (a.contact_id) a.contact_id, a.occurred_at, a.reason,
      case when a.event = 'spamreport' then 'complained' when a.event = 'bounce' then 'bounced'
           else 'unsubscribed' end as status
    from added a join public.contacts p on p.id = a.contact_id
    where a.event in ('spamreport', 'unsubscribe', 'group_unsubscribe')
       -- A late bounce of an address that was corrected meanwhile says nothing about the new one.
       or (a.event = 'bounce' and lower(a.email) in ('', p.email))
    order by a.contact_id, a.event = 'spamreport' desc, a.event = 'bounce', a.occurred_at) e
  where c.id = e.contact_id
    -- What the person asked for outlasts what the address did.
    and (c.email_status = 'ok'
         or (c.email_status in ('bounced', 'invalid') and e.status in ('unsubscribed', 'complained')));

  perform private.stop_enrollments(
    array(select contact_id from added where event = 'reply' and contact_id is not null),
    'replied', private.clock());
  return null;
end
$$;
create trigger on_events_added after insert on public.email_events
  referencing new table as added
  for each statement execute function private.on_events_added();
