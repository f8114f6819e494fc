# danger: data sent by mail
import smtplib
smtplib.SMTP("mail.example.com").sendmail("a@example.com", ["b@example.com"], open("sales.csv").read())
