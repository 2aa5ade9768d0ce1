"""Projects: the board, from the first talk to the finished work."""

from crm.ui import dialogs, feedback, project_board, project_dialogs

feedback.show()
project_board.heading()
project_board.show()
dialogs.show_open(project_dialogs.DIALOGS)
